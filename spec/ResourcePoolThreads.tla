------------------------- MODULE ResourcePoolThreads -------------------------
(* How the pool keeps its promises: the algorithm of src/ya/resourcepool, one step for each operation that other
   threads can see, or that something can interrupt. Labels are called after the functions they are in.

   Time is a number that `Tick` counts up to `End`. Where the clock is read together with something that nobody else can
   see, that is one step. With `maxage` the clock calls, too; it is a thread of its own.

   Several calls can be under way in one thread: a finalizer or a signal handler may push while the thread is anywhere
   in the pool (K3). So what takes steps is a frame. Each thread has one, and a handler is a frame that belongs to a
   thread: while it is in a call, its thread is not.

   Why the fast path misses nobody (P8): `push_append` comes before `push_limit`, and `_bar_limit` comes before
   `_hold_len`. Of a push and a waiter that race, either the push reads the lowered limit, and tends, or it had
   appended before the waiter looked for something idle.

   That this keeps the contract is shown in ResourcePoolRefinement. *)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
  Threads, Handlers, Clock,  \* frames
  Owner,              \* the thread of each frame: a function
  Resources, None,
  Init0,              \* what is idle at first, oldest first
  Held,               \* what each frame has at first: a function to sets of resources
  MaxSize, MinSize, MaxAge,  \* a number, or None
  End,                \* the last moment that is looked at
  Timeouts,           \* how a pop may be called: a subset of {"none", "timed", "forever"}
  CanClose, CanInterrupt

Frames == Threads \cup Handlers \cup {Clock}
Unlimited == Cardinality(Resources) + 1
Floor == IF MinSize = None THEN 0 ELSE MinSize
Target == IF MinSize = None THEN MaxSize ELSE MinSize

VARIABLES
  \* What threads share.
  time,
  idle,       \* the deque, oldest first: a sequence of [res, stamp]
  limit, barred, closed, unsettled,
  since,      \* no older one is idle, as far as who holds the lock knows
  armed,      \* the stamp for which the clock is to call, or None
  waiters,    \* in order of arrival; None for one that is no longer of use to its pop
  lock,       \* the thread that holds it, or None
  \* Of each waiter, shared too.
  box,        \* what it has been given, or None
  latch,      \* whether it has still to be waited for: "locked", else "free"
  over,       \* whether nobody may fill the box any more: unpacked or abandoned
  \* Of each frame.
  pc, step, keep, len,  \* where it is; what `_settle` is to do; `keep` of _evict; what it has read of len(idle)
  back,       \* where to go on after `_tend`
  timeout, raising,  \* how its pop was called, None outside; whether an exception is on its way
  hand,       \* what a push has been called with, or a pop returns
  read,       \* a stamp that it has read, or None
  victims, owned,
  \* Of all.
  gone

vars == <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, pc, step, keep, len, back, timeout,
          raising, hand, victims, owned, gone, time, since, armed, read>>
aged == <<time, since, armed, read>>

Range(s) == {s[i] : i \in DOMAIN s}
Last(s) == s[Len(s)]
Front(s) == SubSeq(s, 1, Len(s) - 1)
Without(s, x) == SelectSeq(s, LAMBDA y : y # x)

\* A thread waits for its handler.
Runs(f) == \A h \in Handlers : Owner[h] = Owner[f] /\ h # f /\ f \in Threads => pc[h] \in {"out", "left"}
At(f, label) == pc[f] = label /\ Runs(f)
Goto(f, label) == pc' = [pc EXCEPT ![f] = label]

\* Stamps that are always, or never, `maxage` ago.
Always == IF MaxAge = None THEN 0 ELSE 0 - MaxAge
Never == End + 1
IsDue(now, stamp) == now - stamp >= MaxAge

\* Where a frame has the lock, and where it looks again after that.
Holding == {"_hold_idle", "_hold_step", "_hold_queue", "_hold_release", "_bar_limit", "_bar_barred",
            "_queue_insert", "_shut", "_quit", "_tend", "_tend_serve", "serve_idle", "serve_move", "wake", "wake_remove",
            "_tend_now", "_tend_evict", "_evict_len", "_evict_age", "_evict_popleft", "_evict_check", "_evict_back",
            "_tend_open", "_tend_limit", "_bar_since", "_arm_len", "_arm_oldest", "_arm_since", "_arm_timer",
            "_arm_limit", "_arm_nothing", "take_now", "take_expel"}
HasHeld == {"_hold_again", "_hold_len", "_hold_limit"}
Evicting == {"_evict_len", "_evict_age", "_evict_popleft", "_evict_check", "_evict_back"}

HasTheLock(f) == pc[f] \in Holding /\ lock = Owner[f]
NeedsNoLock(f) == pc[f] \in Evicting /\ back[f] = "deallocate"  \* the pool is closed

\* What it is to do when it has had the lock once: nothing but tend. A pop that leaves does not wait after that. A push
\* has nothing else to do from the first.
OnlyTends == {"none", "tend and leave"}
Again(f) == IF step[f] \in {"quit", "tend and leave"} THEN "tend and leave" ELSE "none"

Settles(f) == pc[f] \in Holding \cup HasHeld \/ (pc[f] = "_hold_acquire" /\ step[f] \in OnlyTends \cup {"anew"})

Init ==
  /\ idle = [i \in DOMAIN Init0 |-> [res |-> Init0[i], stamp |-> 0]]
  \* As the constructor leaves it, see `_arm`.
  /\ LET expires == MaxAge # None /\ Len(Init0) > Floor
     IN  /\ armed = IF expires THEN 0 ELSE None
         /\ since = IF expires THEN 0 ELSE IF Floor > 0 THEN Never ELSE Always
         /\ limit = IF MaxAge # None /\ ~expires THEN Floor ELSE IF MaxSize = None THEN Unlimited ELSE MaxSize
  /\ time = 0 /\ read = [f \in Frames |-> None]
  /\ barred = FALSE
  /\ closed = FALSE /\ unsettled = FALSE
  /\ waiters = <<>> /\ lock = None
  /\ box = [f \in Frames |-> None] /\ latch = [f \in Frames |-> "free"] /\ over = [f \in Frames |-> FALSE]
  /\ pc = [f \in Frames |-> "out"] /\ step = [f \in Frames |-> "none"]
  /\ keep = [f \in Frames |-> 0] /\ len = [f \in Frames |-> 0] /\ back = [f \in Frames |-> "none"]
  /\ timeout = [f \in Frames |-> None] /\ raising = [f \in Frames |-> FALSE]
  /\ hand = [f \in Frames |-> None] /\ victims = [f \in Frames |-> <<>>] /\ owned = Held
  /\ gone = {}

\* ---- actions ----

\* pop: the fast path ------------------------------------------------------------------------------------------

\* The waiter of its last pop may still be about to be removed from the queue, and is another one.
pop(f, how) ==
  /\ At(f, "out")
  /\ f \in Threads
  /\ Goto(f, IF MaxAge = None THEN "pop_barred" ELSE "pop_now")
  /\ timeout' = [timeout EXCEPT ![f] = how]
  /\ raising' = [raising EXCEPT ![f] = FALSE]
  /\ over' = [over EXCEPT ![f] = FALSE]
  /\ waiters' = [i \in DOMAIN waiters |-> IF waiters[i] = f THEN None ELSE waiters[i]]
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, lock, box, latch, step, keep, len, back, hand, victims,
                 owned, gone, aged>>

\* `direct = not self._barred`
pop_barred(f) ==
  /\ At(f, "pop_barred")
  /\ Goto(f, IF barred THEN "_pop" ELSE "pop_pop")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, aged>>

\* With `maxage`: `now = ...`, then `direct = now - self._since < self._maxage`
pop_now(f) ==
  /\ At(f, "pop_now")
  /\ read' = [read EXCEPT ![f] = time]
  /\ Goto(f, "pop_since")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, time, since, armed>>

pop_since(f) ==
  /\ At(f, "pop_since")
  /\ read' = [read EXCEPT ![f] = None]
  /\ Goto(f, IF IsDue(read[f], since) THEN "_pop" ELSE "pop_pop")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, time, since, armed>>

\* `entry = self._idle.pop()`
pop_pop(f) ==
  /\ At(f, "pop_pop")
  /\ IF idle = <<>>
     THEN /\ Goto(f, "_pop")
          /\ UNCHANGED <<idle, hand>>
     ELSE /\ hand' = [hand EXCEPT ![f] = Last(idle)]
          /\ idle' = Front(idle)
          /\ Goto(f, "pop_return")
  /\ UNCHANGED <<limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, victims, owned, gone, aged>>

pop_return(f) ==
  /\ At(f, "pop_return")
  /\ owned' = [owned EXCEPT ![f] = @ \cup {hand[f].res}]
  /\ hand' = [hand EXCEPT ![f] = None]
  /\ timeout' = [timeout EXCEPT ![f] = None]
  /\ Goto(f, "out")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 raising, victims, gone, aged>>

\* pop: the slow path ------------------------------------------------------------------------------------------

\* Without a timeout: `self._settle(waiter.take)`. Else it makes a latch, acquires it, and `pool._settle(self._queue)`.
_pop(f) ==
  /\ At(f, "_pop")
  /\ Goto(f, "_look")
  /\ step' = [step EXCEPT ![f] = IF timeout[f] = "none" THEN "take" ELSE "queue"]
  /\ latch' = [latch EXCEPT ![f] = IF timeout[f] = "none" THEN "free" ELSE "locked"]
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, over, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* After `_settle`: `if waiter.box: resource = waiter.unpack()`, else it raises.
_pop_box(f) ==
  /\ At(f, "_pop_box")
  /\ IF box[f] # None
     THEN /\ over' = [over EXCEPT ![f] = TRUE]
          /\ Goto(f, "unpack")
          /\ UNCHANGED timeout
     ELSE /\ Goto(f, "out")
          /\ timeout' = [timeout EXCEPT ![f] = None]
          /\ UNCHANGED over
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, step, keep, len, back,
                 raising, hand, victims, owned, gone, aged>>

\* `self.box.pop()`: the caller has it, or it goes back, because an exception has come
unpack(f) ==
  /\ At(f, "unpack")
  /\ box' = [box EXCEPT ![f] = None]
  /\ timeout' = [timeout EXCEPT ![f] = None]
  /\ IF raising[f]
     THEN /\ hand' = [hand EXCEPT ![f] = [res |-> box[f].res, stamp |-> time]]
          /\ Goto(f, "push_append")
          /\ UNCHANGED owned
     ELSE /\ owned' = [owned EXCEPT ![f] = @ \cup {box[f].res}]
          /\ Goto(f, "out")
          /\ UNCHANGED hand
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, latch, over, step, keep, len, back,
                 raising, victims, gone, aged>>

\* `pool._clock.wait(self, ...)`: until the latch is released, or, with a timeout, until its time is up
wait(f) ==
  /\ At(f, "wait")
  /\ latch[f] = "free" \/ timeout[f] = "timed"
  /\ Goto(f, "wait_box")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, aged>>

\* `if not self.box: self.leave()`
wait_box(f) ==
  /\ At(f, "wait_box")
  /\ IF box[f] = None
     THEN /\ Goto(f, "_look")
          /\ step' = [step EXCEPT ![f] = "quit"]
     ELSE /\ Goto(f, "_pop_box")
          /\ UNCHANGED step
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* P9: an exception, or several, wherever it has the lock, goes for it, or waits. `_hold` releases the lock if it has it,
\* `_look` tends once more, and `wait` leaves the queue before it passes the exception on.
\* A push leaves that to another that has the lock, which would not always tend by itself: hence `_unsettled`. All others
\* wait for the lock once more, as their box may be about to be filled.
interrupt(f) ==
  /\ CanInterrupt
  /\ Runs(f)
  /\ raising' = [raising EXCEPT ![f] = TRUE]
  /\ read' = [read EXCEPT ![f] = None]
  /\ \/ /\ pc[f] \in (Holding \ {"_hold_release"}) \cup HasHeld \cup {"_hold_acquire"}
        /\ step' = [step EXCEPT ![f] = IF timeout[f] = None /\ @ = "none" THEN "none" ELSE "anew"]
        /\ unsettled' = TRUE
        /\ lock' = IF HasTheLock(f) THEN None ELSE lock
        /\ Goto(f, IF NeedsNoLock(f) THEN "_look" ELSE "_hold_acquire")
     \/ /\ pc[f] \in {"wait", "wait_box", "_pop_box"}
        /\ Goto(f, IF timeout[f] = "none" THEN "_pop_box" ELSE "abandon")
        /\ UNCHANGED <<step, unsettled, lock>>
  /\ UNCHANGED <<idle, limit, barred, closed, waiters, box, latch, over, keep, len, back, timeout, hand, victims, owned,
                 gone, time, since, armed>>

\* `self._abandoned = True`, then `self.leave()`
abandon(f) ==
  /\ At(f, "abandon")
  /\ over' = [over EXCEPT ![f] = TRUE]
  /\ step' = [step EXCEPT ![f] = "quit"]
  /\ Goto(f, "_look")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* push --------------------------------------------------------------------------------------------------------

\* It begins by reading the clock.
push(f, r) ==
  /\ At(f, "out")
  /\ r \in owned[f]
  /\ owned' = [owned EXCEPT ![f] = @ \ {r}]
  /\ hand' = [hand EXCEPT ![f] = [res |-> r, stamp |-> time]]
  /\ raising' = [raising EXCEPT ![f] = FALSE]
  /\ Goto(f, "push_append")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, victims, gone, aged>>

\* `self._idle.append(resource)`
push_append(f) ==
  /\ At(f, "push_append")
  /\ idle' = Append(idle, hand[f])
  /\ hand' = [hand EXCEPT ![f] = None]
  /\ read' = [read EXCEPT ![f] = IF MaxAge = None THEN None ELSE hand[f].stamp]
  /\ Goto(f, "push_len")
  /\ UNCHANGED <<limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, victims, owned, gone, time, since, armed>>

\* `len(self._idle)`
push_len(f) ==
  /\ At(f, "push_len")
  /\ len' = [len EXCEPT ![f] = Len(idle)]
  /\ Goto(f, "push_limit")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `> self._limit`
push_limit(f) ==
  /\ At(f, "push_limit")
  /\ len' = [len EXCEPT ![f] = 0]
  /\ step' = [step EXCEPT ![f] = "none"]
  /\ read' = [read EXCEPT ![f] = IF len[f] > limit THEN None ELSE @]
  /\ Goto(f, IF len[f] > limit THEN "_look" ELSE IF MaxAge # None THEN "push_since" ELSE "push_return")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, keep, back, timeout,
                 raising, hand, victims, owned, gone, time, since, armed>>

\* With `maxage`: `or now - self._since >= self._maxage`
push_since(f) ==
  /\ At(f, "push_since")
  /\ read' = [read EXCEPT ![f] = None]
  /\ Goto(f, IF IsDue(read[f], since) THEN "_look" ELSE "push_return")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, time, since, armed>>

push_return(f) ==
  /\ At(f, "push_return")
  /\ Goto(f, "out")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, aged>>

\* R1: a push that has left its work to the call that it interrupted is in progress until that has done it.
push_left(f) ==
  /\ At(f, "left")
  /\ ~Settles(Owner[f])
  /\ Goto(f, "push_return")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, aged>>

\* close -------------------------------------------------------------------------------------------------------

close(f) ==
  /\ CanClose
  /\ ~closed
  /\ At(f, "out")
  /\ f \in Threads
  /\ step' = [step EXCEPT ![f] = "shut"]
  /\ raising' = [raising EXCEPT ![f] = FALSE]
  /\ Goto(f, "_look")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, keep, len, back, timeout,
                 hand, victims, owned, gone, aged>>

\* The clock: what `_arm` asked for is due.
ring ==
  /\ At(Clock, "out")
  /\ armed # None
  /\ IsDue(time, armed)
  /\ ~closed
  /\ step' = [step EXCEPT ![Clock] = "disarm"]
  /\ Goto(Clock, "_look")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

Tick ==
  /\ time < End
  /\ time' = time + 1
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, pc, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, since, armed, read>>

\* _settle: _look, _hold ---------------------------------------------------------------------------------------

\* K3: `if self._lock._is_owned()`: this frame interrupted the holder, which will look again.
_look(f) ==
  /\ At(f, "_look")
  /\ IF lock = Owner[f]
     THEN /\ unsettled' = TRUE
          /\ Goto(f, "left")
     ELSE /\ Goto(f, IF closed THEN "_look_waiters" ELSE "_hold_acquire")
          /\ UNCHANGED unsettled
  /\ UNCHANGED <<idle, limit, barred, closed, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `if self._closed and not self._waiters`: then without the lock
_look_waiters(f) ==
  /\ At(f, "_look_waiters")
  /\ IF waiters = <<>>
     THEN /\ keep' = [keep EXCEPT ![f] = 0]
          /\ back' = [back EXCEPT ![f] = "deallocate"]
          /\ latch' = [latch EXCEPT ![f] = "free"]
          /\ armed' = IF step[f] = "disarm" THEN None ELSE armed
          /\ Goto(f, "_evict_len")
     ELSE /\ Goto(f, "_hold_acquire")
          /\ UNCHANGED <<keep, back, latch, armed>>
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, over, step, len, timeout, raising, hand,
                 victims, owned, gone, time, since, read>>

\* `if not lock.acquire(False): return` if it has nothing to do but tend: K3, so no push waits for another thread. Who has
\* the lock looks again when it has released it. Who has a step waits: `lock.acquire(True, ...)`.
_hold_acquire(f) ==
  /\ At(f, "_hold_acquire")
  /\ IF lock = None
     THEN /\ lock' = Owner[f]
          /\ Goto(f, "_hold_idle")
     ELSE /\ step[f] \in OnlyTends
          /\ Goto(f, "deallocate")
          /\ UNCHANGED lock
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `if step is None or self._idle: self._tend(victims)`
_hold_idle(f) ==
  /\ At(f, "_hold_idle")
  /\ IF step[f] \in OnlyTends \/ idle # <<>>
     THEN /\ Goto(f, "_tend")
          /\ back' = [back EXCEPT ![f] = IF step[f] \in OnlyTends THEN "_hold_release" ELSE "_hold_step"]
     ELSE /\ Goto(f, "_hold_step")
          /\ UNCHANGED back
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `if step(victims): self._tend(victims)`. What take and _queue do first is to take what is idle, if nobody waits.
_hold_step(f) ==
  /\ At(f, "_hold_step")
  /\ CASE step[f] = "take" -> /\ Goto(f, IF waiters = <<>> /\ ~closed THEN "serve_idle" ELSE "_hold_release")
                              /\ back' = [back EXCEPT ![f] = "_hold_release"]
                              /\ UNCHANGED armed
       [] step[f] = "queue" -> /\ Goto(f, IF waiters = <<>> /\ ~closed THEN "serve_idle" ELSE "_hold_queue")
                               /\ back' = [back EXCEPT ![f] = "_hold_queue"]
                               /\ UNCHANGED armed
       [] step[f] = "quit" -> /\ Goto(f, "_quit")
                              /\ UNCHANGED <<back, armed>>
       [] step[f] = "shut" -> /\ Goto(f, "_bar_limit")
                              /\ back' = [back EXCEPT ![f] = "_shut"]
                              /\ UNCHANGED armed
       [] step[f] = "anew" -> /\ Goto(f, "_tend")
                              /\ back' = [back EXCEPT ![f] = "_hold_release"]
                              /\ UNCHANGED armed
       [] step[f] = "disarm" -> /\ armed' = None
                                /\ Goto(f, "_tend")
                                /\ back' = [back EXCEPT ![f] = "_hold_release"]
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, timeout,
                 raising, hand, victims, owned, gone, time, since, read>>

\* _queue: `if self.box or pool._closed: self.wake(); return False`
_hold_queue(f) ==
  /\ At(f, "_hold_queue")
  /\ IF box[f] # None \/ closed
     THEN /\ latch' = [latch EXCEPT ![f] = "free"]
          /\ Goto(f, "_hold_release")
          /\ UNCHANGED back
     ELSE /\ Goto(f, "_bar_limit")
          /\ back' = [back EXCEPT ![f] = "_queue_insert"]
          /\ UNCHANGED latch
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, over, step, keep, len, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `_bar`: first `self._limit = 0`, then `self._since = -FOREVER`, then `self._barred = True`
_bar_limit(f) ==
  /\ At(f, "_bar_limit")
  /\ limit' = 0
  /\ Goto(f, IF MaxAge = None THEN "_bar_barred" ELSE "_bar_since")
  /\ UNCHANGED <<idle, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

_bar_since(f) ==
  /\ At(f, "_bar_since")
  /\ since' = Always
  /\ Goto(f, "_bar_barred")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, time, armed, read>>

_bar_barred(f) ==
  /\ At(f, "_bar_barred")
  /\ barred' = TRUE
  /\ Goto(f, back[f])
  /\ UNCHANGED <<idle, limit, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `waiters.insert(place, self)`; what was pushed before the limit was lowered is found after the lock is released
_queue_insert(f) ==
  /\ At(f, "_queue_insert")
  /\ waiters' = Append(waiters, f)
  /\ Goto(f, "_hold_release")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `self._closed = True`, then it tends; a pop that is called from now on finds the bar
_shut(f) ==
  /\ At(f, "_shut")
  /\ closed' = TRUE
  /\ back' = [back EXCEPT ![f] = "_hold_release"]
  /\ Goto(f, "_tend")
  /\ UNCHANGED <<idle, limit, barred, unsettled, waiters, lock, box, latch, over, step, keep, len, timeout, raising,
                 hand, victims, owned, gone, aged>>

\* `if self.box or self._unpacked or self not in pool._waiters: return False`, else it leaves, and tends
_quit(f) ==
  /\ At(f, "_quit")
  /\ IF box[f] # None \/ f \notin Range(waiters)
     THEN /\ Goto(f, "_hold_release")
          /\ UNCHANGED <<latch, waiters, back>>
     ELSE /\ latch' = [latch EXCEPT ![f] = "free"]
          /\ waiters' = Without(waiters, f)
          /\ back' = [back EXCEPT ![f] = "_hold_release"]
          /\ Goto(f, "_tend")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, lock, box, over, step, keep, len, timeout, raising, hand,
                 victims, owned, gone, aged>>

_hold_release(f) ==
  /\ At(f, "_hold_release")
  /\ lock' = None
  /\ Goto(f, "_hold_again")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `if not self._unsettled`
_hold_again(f) ==
  /\ At(f, "_hold_again")
  /\ IF unsettled
     THEN /\ step' = [step EXCEPT ![f] = Again(f)]
          /\ Goto(f, "_hold_acquire")
     ELSE /\ Goto(f, "_hold_len")
          /\ UNCHANGED step
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `and len(self._idle)`
_hold_len(f) ==
  /\ At(f, "_hold_len")
  /\ len' = [len EXCEPT ![f] = Len(idle)]
  /\ Goto(f, "_hold_limit")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `<= self._limit: return`, else once more, with nothing to do but tend. Without this look a wake-up would be lost, see
\* the model t-without-the-last-look.
NothingMore(f) == len[f] <= limit
_hold_limit(f) ==
  /\ At(f, "_hold_limit")
  /\ len' = [len EXCEPT ![f] = 0]
  /\ IF NothingMore(f)
     THEN /\ Goto(f, "deallocate")
          /\ UNCHANGED step
     ELSE /\ Goto(f, "_hold_acquire")
          /\ step' = [step EXCEPT ![f] = Again(f)]
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, keep, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* K1: without the lock. After the last one the call goes on: a pop looks into its box, waits, or has been
\* interrupted and leaves; all others return.
deallocate(f) ==
  /\ At(f, "deallocate")
  /\ IF victims[f] # <<>>
     THEN /\ Goto(f, "dealloc")
          /\ UNCHANGED timeout
     ELSE LET next == CASE timeout[f] = None -> "out"
                        [] timeout[f] = "none" \/ (step[f] \in {"quit", "tend and leave"} /\ ~raising[f]) -> "_pop_box"
                        [] raising[f] /\ ~over[f] -> "abandon"
                        [] raising[f] /\ over[f] -> IF box[f] # None THEN "unpack" ELSE "out"
                        [] OTHER -> IF latch[f] = "locked" THEN "wait" ELSE "wait_box"
          IN  /\ Goto(f, next)
              /\ timeout' = [timeout EXCEPT ![f] = IF next = "out" THEN None ELSE @]
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 raising, hand, victims, owned, gone, aged>>

\* The callback, with what one C call has taken from the left of `victims`.
dealloc(f) ==
  /\ At(f, "dealloc")
  /\ gone' = gone \cup {Head(victims[f]).res}
  /\ victims' = [victims EXCEPT ![f] = Tail(@)]
  /\ Goto(f, "deallocate")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, owned, aged>>

\* _tend -------------------------------------------------------------------------------------------------------

\* `self._unsettled = False`
_tend(f) ==
  /\ At(f, "_tend")
  /\ unsettled' = FALSE
  /\ Goto(f, IF MaxAge = None THEN "_tend_serve" ELSE "_tend_now")
  /\ UNCHANGED <<idle, limit, barred, closed, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `self._evict(victims, self._floor, self._clock.now())`
_tend_now(f) ==
  /\ At(f, "_tend_now")
  /\ read' = [read EXCEPT ![f] = time]
  /\ keep' = [keep EXCEPT ![f] = Floor]
  /\ Goto(f, "_evict_len")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, len, back, timeout,
                 raising, hand, victims, owned, gone, time, since, armed>>

\* `while waiters and (self._closed or waiters[0].serve())`, which asks whether its box is full, or must not be filled
_tend_serve(f) ==
  /\ At(f, "_tend_serve")
  /\ Goto(f, IF waiters = <<>> THEN "_tend_evict"
             ELSE IF closed \/ Head(waiters) = None \/ box[Head(waiters)] # None \/ over[Head(waiters)] THEN "wake"
             ELSE "serve_idle")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, aged>>

Served(f) == IF waiters = <<>> THEN f ELSE Head(waiters)  \* with nobody in the queue, it is a pop that takes
Failed(f) == IF waiters = <<>> THEN back[f] ELSE "_tend_evict"
Taken(f) == IF MaxAge = None \/ Floor > 0 THEN back[f] ELSE "take_now"

\* `if not self._pool._idle: return False`
serve_idle(f) ==
  /\ At(f, "serve_idle")
  /\ Goto(f, IF idle = <<>> THEN Failed(f) ELSE "serve_move")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, aged>>

\* `move(self._pool._idle.pop, self.box.extend)`, one C call; a pop on the fast path may have been quicker
serve_move(f) ==
  /\ At(f, "serve_move")
  /\ IF idle = <<>>
     THEN /\ Goto(f, Failed(f))
          /\ UNCHANGED <<idle, box>>
     ELSE /\ box' = [box EXCEPT ![Served(f)] = Last(idle)]
          /\ idle' = Front(idle)
          /\ Goto(f, IF waiters = <<>> THEN Taken(f) ELSE "wake")
  /\ UNCHANGED <<limit, barred, closed, unsettled, waiters, lock, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* take: `now = pool._clock.now()`, `if now - self.box[0][0] < maxage: return False`, else the older ones go first
take_now(f) ==
  /\ At(f, "take_now")
  /\ IF IsDue(time, box[f].stamp)
     THEN /\ read' = [read EXCEPT ![f] = time]
          /\ keep' = [keep EXCEPT ![f] = 0]
          /\ back' = [back EXCEPT ![f] = "take_expel"]
          /\ Goto(f, "_evict_len")
     ELSE /\ Goto(f, back[f])
          /\ UNCHANGED <<read, keep, back>>
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, len, timeout, raising,
                 hand, victims, owned, gone, time, since, armed>>

\* `pool._expel(self.box.pop, victims)`, and it looks for another one
take_expel(f) ==
  /\ At(f, "take_expel")
  /\ victims' = [victims EXCEPT ![f] = Append(@, box[f])]
  /\ box' = [box EXCEPT ![f] = None]
  /\ Goto(f, "_hold_step")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, latch, over, step, keep, len, back, timeout,
                 raising, hand, owned, gone, aged>>

\* `waiters[0].wake()`: only now, so that an interrupt before leaves it in the queue for the next to wake
wake(f) ==
  /\ At(f, "wake")
  /\ latch' = [w \in Frames |-> IF w = Head(waiters) THEN "free" ELSE latch[w]]
  /\ Goto(f, "wake_remove")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `del waiters[0]`
wake_remove(f) ==
  /\ At(f, "wake_remove")
  /\ waiters' = Tail(waiters)
  /\ Goto(f, "_tend_serve")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `if self._closed: self._evict(victims, 0)`, `elif not waiters and len(idle) > self._maxsize: self._evict(...)`.
\* What was pushed since nothing was found for the waiters is for them: whoever holds the lock looks again (R5).
_tend_evict(f) ==
  /\ At(f, "_tend_evict")
  /\ IF closed
     THEN /\ keep' = [keep EXCEPT ![f] = 0]
          /\ Goto(f, "_evict_len")
     ELSE IF MaxSize # None /\ waiters = <<>> /\ Len(idle) > MaxSize
     THEN /\ keep' = [keep EXCEPT ![f] = Target]
          /\ Goto(f, "_evict_len")
     ELSE /\ Goto(f, "_tend_open")
          /\ UNCHANGED keep
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

EndOfEvict(f) ==
  /\ Goto(f, IF lock # Owner[f] \/ back[f] = "take_expel" THEN back[f]
             ELSE IF read[f] # None THEN "_tend_serve" ELSE "_tend_open")
  /\ read' = [read EXCEPT ![f] = None]

\* `while len(idle) > keep and (now is None or ...)`
_evict_len(f) ==
  /\ At(f, "_evict_len")
  /\ IF Len(idle) > keep[f]
     THEN /\ Goto(f, IF read[f] = None THEN "_evict_popleft" ELSE "_evict_age")
          /\ UNCHANGED read
     ELSE EndOfEvict(f)
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, time, since, armed>>

\* `now - idle[0][0] >= maxage`; pops may have taken all
_evict_age(f) ==
  /\ At(f, "_evict_age")
  /\ IF idle # <<>> /\ IsDue(read[f], Head(idle).stamp)
     THEN /\ Goto(f, "_evict_popleft")
          /\ UNCHANGED read
     ELSE EndOfEvict(f)
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, time, since, armed>>

\* `self._expel(idle.popleft, victims)`, one C call
_evict_popleft(f) ==
  /\ At(f, "_evict_popleft")
  /\ IF idle = <<>>
     THEN /\ EndOfEvict(f)
          /\ UNCHANGED <<idle, victims>>
     ELSE /\ victims' = [victims EXCEPT ![f] = Append(@, Head(idle))]
          /\ idle' = Tail(idle)
          /\ Goto(f, IF keep[f] = 0 /\ read[f] = None THEN "_evict_len" ELSE "_evict_check")
          /\ UNCHANGED read
  /\ UNCHANGED <<limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, owned, gone, time, since, armed>>

\* `if len(idle) < keep or not (...)`: pops came between, so that was one too many, or a younger one
_evict_check(f) ==
  /\ At(f, "_evict_check")
  /\ LET fresh == read[f] # None /\ ~IsDue(read[f], Last(victims[f]).stamp)
     IN  Goto(f, IF Len(idle) < keep[f] \/ fresh THEN "_evict_back" ELSE "_evict_len")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, aged>>

\* `move(victims.pop, idle.extendleft)`
_evict_back(f) ==
  /\ At(f, "_evict_back")
  /\ idle' = <<Last(victims[f])>> \o idle
  /\ victims' = [victims EXCEPT ![f] = Front(@)]
  /\ Goto(f, "_evict_len")
  /\ UNCHANGED <<limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, owned, gone, aged>>

\* `if self._closed or waiters: self._bar()`, `else: self._barred = False`
_tend_open(f) ==
  /\ At(f, "_tend_open")
  /\ IF closed \/ waiters # <<>>
     THEN /\ Goto(f, "_bar_limit")
          /\ UNCHANGED barred
     ELSE /\ barred' = FALSE
          /\ Goto(f, "_tend_limit")
  /\ UNCHANGED <<idle, limit, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `self._limit = UNLIMITED if self._maxsize is None else self._maxsize`, and with `maxage`: `self._arm(...)`
_tend_limit(f) ==
  /\ At(f, "_tend_limit")
  /\ limit' = IF MaxSize = None THEN Unlimited ELSE MaxSize
  /\ Goto(f, IF MaxAge = None THEN back[f] ELSE "_arm_len")
  /\ UNCHANGED <<idle, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

\* `if len(self._idle) > self._floor`
_arm_len(f) ==
  /\ At(f, "_arm_len")
  /\ Goto(f, IF Len(idle) > Floor THEN "_arm_oldest" ELSE "_arm_limit")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, aged>>

\* `oldest = self._idle[0][0]`, unless a pop took it
_arm_oldest(f) ==
  /\ At(f, "_arm_oldest")
  /\ IF idle = <<>>
     THEN /\ Goto(f, "_arm_limit")
          /\ UNCHANGED read
     ELSE /\ read' = [read EXCEPT ![f] = Head(idle).stamp]
          /\ Goto(f, "_arm_since")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, time, since, armed>>

\* Nothing can expire: `self._limit = self._floor`, then `self._since = FOREVER if self._floor else -FOREVER`
_arm_limit(f) ==
  /\ At(f, "_arm_limit")
  /\ limit' = Floor
  /\ Goto(f, "_arm_nothing")
  /\ UNCHANGED <<idle, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

_arm_nothing(f) ==
  /\ At(f, "_arm_nothing")
  /\ since' = IF Floor > 0 THEN Never ELSE Always
  /\ Goto(f, back[f])
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, time, armed, read>>

\* `self._since = oldest`
_arm_since(f) ==
  /\ At(f, "_arm_since")
  /\ since' = read[f]
  /\ Goto(f, "_arm_timer")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, time, armed, read>>

\* `if not self._timer: self._clock.call_at(oldest, ...)`
_arm_timer(f) ==
  /\ At(f, "_arm_timer")
  /\ armed' = IF armed = None THEN read[f] ELSE armed
  /\ read' = [read EXCEPT ![f] = None]
  /\ Goto(f, back[f])
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, time, since>>

\* What a call does by itself, once it is made.
Goes(f) ==
  \/ abandon(f) \/ pop_barred(f) \/ pop_now(f) \/ pop_since(f) \/ pop_pop(f) \/ pop_return(f) \/ _pop(f)
  \/ _pop_box(f) \/ unpack(f) \/ wait(f) \/ wait_box(f) \/ push_append(f) \/ push_len(f) \/ push_limit(f)
  \/ push_since(f) \/ push_return(f) \/ push_left(f) \/ _look(f) \/ _look_waiters(f) \/ _hold_acquire(f)
  \/ _hold_idle(f) \/ _hold_step(f) \/ _hold_queue(f) \/ _bar_limit(f) \/ _bar_since(f) \/ _bar_barred(f)
  \/ _queue_insert(f) \/ _shut(f) \/ _quit(f) \/ _hold_release(f) \/ _hold_again(f) \/ _hold_len(f)
  \/ _hold_limit(f) \/ deallocate(f) \/ dealloc(f) \/ _tend(f) \/ _tend_now(f) \/ _tend_serve(f)
  \/ serve_idle(f) \/ serve_move(f) \/ take_now(f) \/ take_expel(f) \/ wake(f) \/ wake_remove(f)
  \/ _tend_evict(f) \/ _evict_len(f) \/ _evict_age(f) \/ _evict_popleft(f) \/ _evict_check(f) \/ _evict_back(f)
  \/ _tend_open(f) \/ _tend_limit(f) \/ _arm_len(f) \/ _arm_oldest(f) \/ _arm_limit(f) \/ _arm_nothing(f)
  \/ _arm_since(f) \/ _arm_timer(f)

Next ==
  \/ ring \/ Tick
  \/ \E f \in Frames : \/ \E how \in Timeouts : pop(f, how)
                       \/ \E r \in Resources : push(f, r)
                       \/ close(f) \/ interrupt(f) \/ Goes(f)

Spec == Init /\ [][Next]_vars

\* Threads go on, and who waits for the lock gets it some time.
FairSpec == Spec /\ \A f \in Frames : WF_vars(Goes(f)) /\ SF_vars(_hold_acquire(f))

\* ---- properties ----

Quiet == \A f \in Frames : pc[f] \in {"out", "left", "wait"}  \* all calls have ended, or wait

Places(r) ==
  Cardinality({i \in DOMAIN idle : idle[i].res = r})
  + Cardinality({f \in Frames : box[f] # None /\ box[f].res = r})
  + Cardinality({f \in Frames : hand[f] # None /\ hand[f].res = r})
  + Cardinality({f \in Frames : r \in owned[f]})
  + Cardinality({<<f, i>> \in Frames \X (1..Cardinality(Resources)) : i \in DOMAIN victims[f] /\ victims[f][i].res = r})
  + (IF r \in gone THEN 1 ELSE 0)

P9_OnePlace == \A r \in Resources : Places(r) = 1

\* Nothing is idle beside a waiter, and whoever has been served is awake.
P8_NoLostWakeUp == Quiet => /\ (idle = <<>> \/ waiters = <<>>)
                            /\ \A f \in Frames : pc[f] = "wait" /\ (box[f] # None \/ closed) => latch[f] = "free"

\* Who waits is in the queue, so that somebody can find it.
P8_WaitersAreQueued == \A f \in Frames : pc[f] = "wait" /\ latch[f] = "locked" => f \in Range(waiters)

P9_Unlocked == Quiet => lock = None

R1_Bound == MaxSize # None /\ Quiet => Len(idle) <= MaxSize

\* If its thread has the lock then because of a handler that came in between.
K1_NoCallbackUnderTheLock ==
  \A f \in Frames : pc[f] = "dealloc" /\ lock = Owner[f] => \E h \in Handlers \ {f} : pc[h] \in Holding

\* Each call can take its next step, but who waits, and who has to do something itself under the lock while another has
\* it.
P8_NobodyIsStuck ==
  \A f \in Frames : \/ pc[f] \in {"out", "wait", "left"} \/ ~Runs(f)
                   \/ (pc[f] = "_hold_acquire" /\ lock # None /\ step[f] \notin OnlyTends)
                   \/ ENABLED Goes(f)

\* A push can always take its next step, whatever other threads do. (One that is "left" has returned. Handlers only push.)
InPush(f) ==
  \/ f \in Handlers /\ pc[f] \notin {"out", "left"}
  \/ pc[f] \in {"push_append", "push_len", "push_limit", "push_since", "push_return"}
  \/ timeout[f] = None /\ step[f] = "none" /\ pc[f] \notin {"out", "left"}
K3_PushNeverWaits == \A f \in Frames : InPush(f) /\ Runs(f) => ENABLED Goes(f)

\* What is done under the lock is done by the one frame that has it.
P9_OneHolder ==
  LET holders == {f \in Frames : pc[f] \in Holding /\ ~NeedsNoLock(f)}
  IN  Cardinality(holders) <= 1 /\ \A f \in holders : lock = Owner[f]

\* The lock is had by a call that will release it.
P8_TheHolderReleases == lock # None => \E f \in Frames : Owner[f] = lock /\ pc[f] \in Holding

\* The clock calls when what it is armed for is due.
R3_TheClockCalls == At(Clock, "out") => ((ENABLED ring) = (armed # None /\ ~closed /\ IsDue(time, armed)))

\* No call goes round for ever, and the clock does not call again and again.
P8_CallsEnd == \A f \in Frames : pc[f] # "out" ~> pc[f] \in {"out", "wait", "left"}
R3_TheClockRests == <>[](pc[Clock] = "out")

\* So does one to which exceptions come, once there are no more of them.
P9_InterruptedCallsEnd == <>[][\A f \in Frames : ~interrupt(f)]_vars => P8_CallsEnd

\* An exception ends the call to which it came, and no later one.
P9_EachCallBeginsUnharmed == [][\A f \in Frames : pc[f] = "out" /\ pc'[f] # "out" => ~raising'[f]]_vars

\* While a handler runs, the call that it has interrupted stands still.
K3_TheInterruptedStandsStill == [][\A f \in Frames : ~Runs(f) => pc'[f] = pc[f]]_vars

\* Nothing is evicted as one too many while somebody waits for it; what is due goes.
R5_WaitersComeFirst ==
  [][\A f \in Frames : Len(victims'[f]) > Len(victims[f]) /\ read[f] = None /\ ~closed => waiters = <<>>]_vars

\* What can expire is known to the clock, or the next pop or push will see to it.
R3_TheClockKnows ==
  MaxAge # None /\ Quiet /\ ~closed /\ waiters = <<>> /\ Len(idle) > Floor
    => armed # None /\ armed <= Head(idle).stamp

L4_NothingIsLeft == closed /\ Quiet => idle = <<>> /\ waiters = <<>>

\* At the exit, a thread that has the lock may never run again. So no other goes for it any more.
L2_ClosedNeedsNoLock ==
  [][closed /\ waiters = <<>> =>
       \A f \in Frames : pc'[f] = "_hold_acquire"
                         => pc[f] \in {"_hold_acquire"} \cup Holding \cup HasHeld /\ ~NeedsNoLock(f)]_vars

=============================================================================
