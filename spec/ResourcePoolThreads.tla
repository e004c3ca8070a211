------------------------- MODULE ResourcePoolThreads -------------------------
(* How the pool keeps its promises: the algorithm of src/ya/resourcepool, one step for each operation that other
   threads can see, or that something can interrupt. Labels are called after the functions they are in.

   Left out is `maxage`; what it adds is one more thing that `_tend` does under the lock, and one more reason for a pop
   or a push to leave the fast path.

   Several calls can be under way in one thread: a finalizer or a signal handler may push while the thread is anywhere
   in the pool (K3). So what takes steps is a frame. Each thread has one, and a handler is a frame that belongs to a
   thread: while it is in a call, its thread is not.

   Why the fast path misses nobody (P8): `push_append` comes before `push_limit`, and `_bar_limit` comes before
   `_hold_len`. Of a push and a waiter that race, either the push reads the lowered limit, and tends, or it had
   appended before the waiter looked for something idle.

   That this keeps the contract is shown in ResourcePoolRefinement. *)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Threads, Handlers,  \* frames
  Owner,              \* the thread of each frame: a function of Threads and Handlers
  Resources, None,
  Init0,              \* what is idle at first, oldest first
  Held,               \* what each frame has at first: a function to sets of resources
  MaxSize, MinSize,   \* a number, or None
  Timeouts,           \* how a pop may be called: a subset of {"none", "timed", "forever"}
  CanClose, CanInterrupt

Frames == Threads \cup Handlers
Unlimited == Cardinality(Resources) + 1
Target == IF MinSize = None THEN MaxSize ELSE MinSize

VARIABLES
  \* What threads share.
  idle,       \* the deque, oldest first
  limit, barred, closed, unsettled,
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
  hand,       \* what a push has been called with
  victims, owned,
  \* Of all.
  gone

vars == <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, pc, step, keep, len, back, timeout,
          raising, hand, victims, owned, gone>>

Range(s) == {s[i] : i \in DOMAIN s}
Last(s) == s[Len(s)]
Front(s) == SubSeq(s, 1, Len(s) - 1)
Without(s, x) == SelectSeq(s, LAMBDA y : y # x)

\* A handler starts only while its thread is in a call, and then the thread waits for it.
Runs(f) == \A h \in Handlers : Owner[h] = Owner[f] /\ h # f /\ f \in Threads => pc[h] \in {"out", "left"}
MayStart(f) == f \in Handlers => pc[Owner[f]] # "out"
At(f, label) == pc[f] = label /\ Runs(f)
Goto(f, label) == pc' = [pc EXCEPT ![f] = label]

\* Where a frame has the lock, and where it looks again after that.
Holding == {"_hold_idle", "_hold_step", "_hold_queue", "_hold_release", "_bar_limit", "_bar_barred",
            "_queue_insert", "_shut", "_quit", "_tend", "_tend_serve", "serve_idle", "serve_move", "wake", "wake_remove",
            "_tend_evict", "_evict_len", "_evict_popleft", "_evict_check", "_evict_back", "_tend_barred",
            "_tend_limit"}
HasHeld == {"_hold_again", "_hold_len", "_hold_limit"}
Evicting == {"_evict_len", "_evict_popleft", "_evict_check", "_evict_back"}

Settles(f) == pc[f] \in Holding \cup HasHeld \/ (pc[f] = "_hold_acquire" /\ step[f] = "none")

Init ==
  /\ idle = Init0 /\ limit = (IF MaxSize = None THEN Unlimited ELSE MaxSize) /\ barred = FALSE
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
  /\ Goto(f, "pop_barred")
  /\ timeout' = [timeout EXCEPT ![f] = how]
  /\ raising' = [raising EXCEPT ![f] = FALSE]
  /\ over' = [over EXCEPT ![f] = FALSE]
  /\ waiters' = [i \in DOMAIN waiters |-> IF waiters[i] = f THEN None ELSE waiters[i]]
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, lock, box, latch, step, keep, len, back, hand, victims,
                 owned, gone>>

\* `direct = not self._barred`
pop_barred(f) ==
  /\ At(f, "pop_barred")
  /\ Goto(f, IF barred THEN "_pop" ELSE "pop_pop")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone>>

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
                 raising, victims, owned, gone>>

pop_return(f) ==
  /\ At(f, "pop_return")
  /\ owned' = [owned EXCEPT ![f] = @ \cup {hand[f]}]
  /\ hand' = [hand EXCEPT ![f] = None]
  /\ timeout' = [timeout EXCEPT ![f] = None]
  /\ Goto(f, "out")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 raising, victims, gone>>

\* pop: the slow path ------------------------------------------------------------------------------------------

\* Without a timeout: `self._settle(waiter.take)`. Else it makes a latch, acquires it, and `pool._settle(self._queue)`.
_pop(f) ==
  /\ At(f, "_pop")
  /\ Goto(f, "_look")
  /\ step' = [step EXCEPT ![f] = IF timeout[f] = "none" THEN "take" ELSE "queue"]
  /\ latch' = [latch EXCEPT ![f] = IF timeout[f] = "none" THEN "free" ELSE "locked"]
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, over, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

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
                 raising, hand, victims, owned, gone>>

\* `self.box.pop()`: the caller has it, or it goes back, because an exception has come
unpack(f) ==
  /\ At(f, "unpack")
  /\ box' = [box EXCEPT ![f] = None]
  /\ timeout' = [timeout EXCEPT ![f] = None]
  /\ IF raising[f]
     THEN /\ hand' = [hand EXCEPT ![f] = box[f]]
          /\ Goto(f, "push_append")
          /\ UNCHANGED owned
     ELSE /\ owned' = [owned EXCEPT ![f] = @ \cup {box[f]}]
          /\ Goto(f, "out")
          /\ UNCHANGED hand
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, latch, over, step, keep, len, back,
                 raising, victims, gone>>

\* `pool._clock.wait(self, ...)`: until the latch is released, or, with a timeout, until its time is up
wait(f) ==
  /\ At(f, "wait")
  /\ latch[f] = "free" \/ timeout[f] = "timed"
  /\ Goto(f, "wait_box")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone>>

\* `if not self.box: self.leave()`
wait_box(f) ==
  /\ At(f, "wait_box")
  /\ IF box[f] = None
     THEN /\ Goto(f, "_look")
          /\ step' = [step EXCEPT ![f] = "quit"]
     ELSE /\ Goto(f, "_pop_box")
          /\ UNCHANGED step
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

\* P9: an exception in a pop that waits, or is about to. `with` releases the lock, `_look` tends once more, and
\* `wait` leaves the queue before it passes the exception on.
interrupt(f) ==
  /\ CanInterrupt
  /\ Runs(f)
  /\ f \in Threads
  /\ timeout[f] \in {"timed", "forever"}
  /\ ~raising[f]
  /\ raising' = [raising EXCEPT ![f] = TRUE]
  /\ \/ /\ pc[f] \in (Holding \ {"_hold_release"}) \cup HasHeld \cup {"_hold_acquire"}
        /\ step' = [step EXCEPT ![f] = "none"]
        /\ lock' = IF pc[f] \in Holding THEN None ELSE lock
        /\ Goto(f, "_hold_acquire")
     \/ /\ pc[f] \in {"wait", "wait_box", "_pop_box"}
        /\ Goto(f, "abandon")
        /\ UNCHANGED <<step, lock>>
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, box, latch, over, keep, len, back, timeout, hand,
                 victims, owned, gone>>

\* `self._abandoned = True`, then `self.leave()`
abandon(f) ==
  /\ At(f, "abandon")
  /\ over' = [over EXCEPT ![f] = TRUE]
  /\ step' = [step EXCEPT ![f] = "quit"]
  /\ Goto(f, "_look")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

\* push --------------------------------------------------------------------------------------------------------

push(f, r) ==
  /\ At(f, "out")
  /\ MayStart(f)
  /\ r \in owned[f]
  /\ owned' = [owned EXCEPT ![f] = @ \ {r}]
  /\ hand' = [hand EXCEPT ![f] = r]
  /\ raising' = [raising EXCEPT ![f] = FALSE]
  /\ Goto(f, "push_append")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, victims, gone>>

\* `self._idle.append(resource)`
push_append(f) ==
  /\ At(f, "push_append")
  /\ idle' = Append(idle, hand[f])
  /\ hand' = [hand EXCEPT ![f] = None]
  /\ Goto(f, "push_len")
  /\ UNCHANGED <<limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, victims, owned, gone>>

\* `len(self._idle)`
push_len(f) ==
  /\ At(f, "push_len")
  /\ len' = [len EXCEPT ![f] = Len(idle)]
  /\ Goto(f, "push_limit")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, back, timeout,
                 raising, hand, victims, owned, gone>>

\* `> self._limit`
push_limit(f) ==
  /\ At(f, "push_limit")
  /\ len' = [len EXCEPT ![f] = 0]
  /\ step' = [step EXCEPT ![f] = "none"]
  /\ Goto(f, IF len[f] > limit THEN "_look" ELSE "push_return")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, keep, back, timeout,
                 raising, hand, victims, owned, gone>>

push_return(f) ==
  /\ At(f, "push_return")
  /\ Goto(f, "out")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone>>

\* R1: a push that has left its work to the call that it interrupted is in progress until that has done it.
push_left(f) ==
  /\ At(f, "left")
  /\ ~Settles(Owner[f])
  /\ Goto(f, "push_return")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone>>

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
                 hand, victims, owned, gone>>

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
                 raising, hand, victims, owned, gone>>

\* `if self._closed and not self._waiters`: then without the lock
_look_waiters(f) ==
  /\ At(f, "_look_waiters")
  /\ IF waiters = <<>>
     THEN /\ keep' = [keep EXCEPT ![f] = 0]
          /\ back' = [back EXCEPT ![f] = "deallocate"]
          /\ latch' = [latch EXCEPT ![f] = "free"]
          /\ Goto(f, "_evict_len")
     ELSE /\ Goto(f, "_hold_acquire")
          /\ UNCHANGED <<keep, back, latch>>
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, over, step, len, timeout, raising, hand,
                 victims, owned, gone>>

\* `with self._lock:`
_hold_acquire(f) ==
  /\ At(f, "_hold_acquire")
  /\ lock = None
  /\ lock' = Owner[f]
  /\ Goto(f, "_hold_idle")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

\* `if step is None or self._idle: self._tend(victims)`
_hold_idle(f) ==
  /\ At(f, "_hold_idle")
  /\ IF step[f] = "none" \/ idle # <<>>
     THEN /\ Goto(f, "_tend")
          /\ back' = [back EXCEPT ![f] = IF step[f] = "none" THEN "_hold_release" ELSE "_hold_step"]
     ELSE /\ Goto(f, "_hold_step")
          /\ UNCHANGED back
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, timeout,
                 raising, hand, victims, owned, gone>>

\* `if step(victims): self._tend(victims)`. What take and _queue do first is to take what is idle, if nobody waits.
_hold_step(f) ==
  /\ At(f, "_hold_step")
  /\ CASE step[f] = "take" -> /\ Goto(f, IF waiters = <<>> /\ ~closed THEN "serve_idle" ELSE "_hold_release")
                              /\ back' = [back EXCEPT ![f] = "_hold_release"]
       [] step[f] = "queue" -> /\ Goto(f, IF waiters = <<>> /\ ~closed THEN "serve_idle" ELSE "_hold_queue")
                               /\ back' = [back EXCEPT ![f] = "_hold_queue"]
                               /\ UNCHANGED <<closed, latch>>
       [] step[f] = "quit" -> /\ Goto(f, "_quit")
                              /\ UNCHANGED back
       [] step[f] = "shut" -> /\ Goto(f, "_bar_limit")
                              /\ UNCHANGED back
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, timeout,
                 raising, hand, victims, owned, gone>>

\* _queue: `if self.box or pool._closed: self.wake(); return False`
_hold_queue(f) ==
  /\ At(f, "_hold_queue")
  /\ IF box[f] # None \/ closed
     THEN /\ latch' = [latch EXCEPT ![f] = "free"]
          /\ Goto(f, "_hold_release")
     ELSE /\ Goto(f, "_bar_limit")
          /\ UNCHANGED latch
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

\* `pool._bar()`: first `self._limit = 0`, then `self._barred = True`
_bar_limit(f) ==
  /\ At(f, "_bar_limit")
  /\ limit' = 0
  /\ Goto(f, "_bar_barred")
  /\ UNCHANGED <<idle, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

_bar_barred(f) ==
  /\ At(f, "_bar_barred")
  /\ barred' = TRUE
  /\ Goto(f, IF step[f] = "shut" THEN "_shut" ELSE "_queue_insert")
  /\ UNCHANGED <<idle, limit, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

\* `waiters.insert(place, self)`; what was pushed before the limit was lowered is found after the lock is released
_queue_insert(f) ==
  /\ At(f, "_queue_insert")
  /\ waiters' = Append(waiters, f)
  /\ Goto(f, "_hold_release")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

\* `self._closed = True`, then it tends; a pop that is called from now on finds the bar
_shut(f) ==
  /\ At(f, "_shut")
  /\ closed' = TRUE
  /\ back' = [back EXCEPT ![f] = "_hold_release"]
  /\ Goto(f, "_tend")
  /\ UNCHANGED <<idle, limit, barred, unsettled, waiters, lock, box, latch, over, step, keep, len, timeout, raising,
                 hand, victims, owned, gone>>

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
                 victims, owned, gone>>

_hold_release(f) ==
  /\ At(f, "_hold_release")
  /\ lock' = None
  /\ Goto(f, "_hold_again")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

\* `if not self._unsettled`
_hold_again(f) ==
  /\ At(f, "_hold_again")
  /\ IF unsettled
     THEN /\ step' = [step EXCEPT ![f] = "none"]
          /\ Goto(f, "_hold_acquire")
     ELSE /\ Goto(f, "_hold_len")
          /\ UNCHANGED step
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

\* `and len(self._idle)`
_hold_len(f) ==
  /\ At(f, "_hold_len")
  /\ len' = [len EXCEPT ![f] = Len(idle)]
  /\ Goto(f, "_hold_limit")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, back, timeout,
                 raising, hand, victims, owned, gone>>

\* `<= self._limit: return`, else once more, with nothing to do but tend
_hold_limit(f) ==
  /\ At(f, "_hold_limit")
  /\ len' = [len EXCEPT ![f] = 0]
  /\ IF len[f] <= limit
     THEN /\ Goto(f, "deallocate")
          /\ UNCHANGED step
     ELSE /\ Goto(f, "_hold_acquire")
          /\ step' = [step EXCEPT ![f] = "none"]
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, keep, back, timeout,
                 raising, hand, victims, owned, gone>>

\* K1: without the lock. After the last one the call goes on: a pop looks into its box, waits, or has been
\* interrupted and leaves; all others return.
deallocate(f) ==
  /\ At(f, "deallocate")
  /\ IF victims[f] # <<>>
     THEN /\ Goto(f, "dealloc")
          /\ UNCHANGED timeout
     ELSE LET next == CASE timeout[f] = None -> "out"
                        [] timeout[f] = "none" \/ (step[f] = "quit" /\ ~raising[f]) -> "_pop_box"
                        [] raising[f] /\ ~over[f] -> "abandon"
                        [] raising[f] /\ over[f] -> IF box[f] # None THEN "unpack" ELSE "out"
                        [] OTHER -> IF latch[f] = "locked" THEN "wait" ELSE "wait_box"
          IN  /\ Goto(f, next)
              /\ timeout' = [timeout EXCEPT ![f] = IF next = "out" THEN None ELSE @]
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 raising, hand, victims, owned, gone>>

\* The callback, with what one C call has taken from the left of `victims`.
dealloc(f) ==
  /\ At(f, "dealloc")
  /\ gone' = gone \cup {Head(victims[f])}
  /\ victims' = [victims EXCEPT ![f] = Tail(@)]
  /\ Goto(f, "deallocate")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, owned>>

\* _tend -------------------------------------------------------------------------------------------------------

\* `self._unsettled = False`
_tend(f) ==
  /\ At(f, "_tend")
  /\ unsettled' = FALSE
  /\ Goto(f, "_tend_serve")
  /\ UNCHANGED <<idle, limit, barred, closed, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

\* `while waiters and (self._closed or waiters[0].serve())`, which asks whether its box is full, or must not be filled
_tend_serve(f) ==
  /\ At(f, "_tend_serve")
  /\ Goto(f, IF waiters = <<>> THEN "_tend_evict"
             ELSE IF closed \/ Head(waiters) = None \/ box[Head(waiters)] # None \/ over[Head(waiters)] THEN "wake"
             ELSE "serve_idle")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone>>

Served(f) == IF waiters = <<>> THEN f ELSE Head(waiters)  \* with nobody in the queue, it is a pop that takes
Failed(f) == IF waiters = <<>> THEN back[f] ELSE "_tend_evict"

\* `if not self._pool._idle: return False`
serve_idle(f) ==
  /\ At(f, "serve_idle")
  /\ Goto(f, IF idle = <<>> THEN Failed(f) ELSE "serve_move")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone>>

\* `move(self._pool._idle.pop, self.box.extend)`, one C call; a pop on the fast path may have been quicker
serve_move(f) ==
  /\ At(f, "serve_move")
  /\ IF idle = <<>>
     THEN /\ Goto(f, Failed(f))
          /\ UNCHANGED <<idle, box>>
     ELSE /\ box' = [box EXCEPT ![Served(f)] = Last(idle)]
          /\ idle' = Front(idle)
          /\ Goto(f, IF waiters = <<>> THEN back[f] ELSE "wake")
  /\ UNCHANGED <<limit, barred, closed, unsettled, waiters, lock, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

\* `waiters[0].wake()`: only now, so that an interrupt before leaves it in the queue for the next to wake
wake(f) ==
  /\ At(f, "wake")
  /\ latch' = [w \in Frames |-> IF w = Head(waiters) THEN "free" ELSE latch[w]]
  /\ Goto(f, "wake_remove")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

\* `del waiters[0]`
wake_remove(f) ==
  /\ At(f, "wake_remove")
  /\ waiters' = Tail(waiters)
  /\ Goto(f, "_tend_serve")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

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
     ELSE /\ Goto(f, "_tend_barred")
          /\ UNCHANGED keep
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, len, back, timeout,
                 raising, hand, victims, owned, gone>>

EndOfEvict(f) == IF lock = Owner[f] THEN "_tend_barred" ELSE back[f]

\* `while len(idle) > keep`
_evict_len(f) ==
  /\ At(f, "_evict_len")
  /\ Goto(f, IF Len(idle) > keep[f] THEN "_evict_popleft" ELSE EndOfEvict(f))
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone>>

\* `self._expel(idle.popleft, victims)`, one C call
_evict_popleft(f) ==
  /\ At(f, "_evict_popleft")
  /\ IF idle = <<>>
     THEN /\ Goto(f, EndOfEvict(f))
          /\ UNCHANGED <<idle, victims>>
     ELSE /\ victims' = [victims EXCEPT ![f] = Append(@, Head(idle))]
          /\ idle' = Tail(idle)
          /\ Goto(f, IF keep[f] = 0 THEN "_evict_len" ELSE "_evict_check")
  /\ UNCHANGED <<limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, owned, gone>>

\* `if len(idle) < keep`: pops came between, that was one too many
_evict_check(f) ==
  /\ At(f, "_evict_check")
  /\ Goto(f, IF Len(idle) < keep[f] THEN "_evict_back" ELSE "_evict_len")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone>>

\* `move(victims.pop, idle.extendleft)`
_evict_back(f) ==
  /\ At(f, "_evict_back")
  /\ idle' = <<Last(victims[f])>> \o idle
  /\ victims' = [victims EXCEPT ![f] = Front(@)]
  /\ Goto(f, "_evict_len")
  /\ UNCHANGED <<limit, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, owned, gone>>

\* `if self._closed or waiters: self._bar()`, `else: self._barred = False`
_tend_barred(f) ==
  /\ At(f, "_tend_barred")
  /\ barred' = (closed \/ waiters # <<>>)
  /\ Goto(f, "_tend_limit")
  /\ UNCHANGED <<idle, limit, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

_tend_limit(f) ==
  /\ At(f, "_tend_limit")
  /\ limit' = IF closed \/ waiters # <<>> THEN 0 ELSE IF MaxSize = None THEN Unlimited ELSE MaxSize
  /\ Goto(f, back[f])
  /\ UNCHANGED <<idle, barred, closed, unsettled, waiters, lock, box, latch, over, step, keep, len, back, timeout,
                 raising, hand, victims, owned, gone>>

Next == \E f \in Frames :
  \/ \E how \in Timeouts : pop(f, how)
  \/ \E r \in Resources : push(f, r)
  \/ close(f) \/ interrupt(f) \/ abandon(f)
  \/ pop_barred(f) \/ pop_pop(f) \/ pop_return(f) \/ _pop(f) \/ _pop_box(f) \/ unpack(f) \/ wait(f) \/ wait_box(f)
  \/ push_append(f) \/ push_len(f) \/ push_limit(f) \/ push_return(f) \/ push_left(f)
  \/ _look(f) \/ _look_waiters(f) \/ _hold_acquire(f) \/ _hold_idle(f) \/ _hold_step(f) \/ _hold_queue(f)
  \/ _bar_limit(f) \/ _bar_barred(f)
  \/ _queue_insert(f) \/ _shut(f) \/ _quit(f)
  \/ _hold_release(f) \/ _hold_again(f) \/ _hold_len(f) \/ _hold_limit(f)
  \/ deallocate(f) \/ dealloc(f)
  \/ _tend(f) \/ _tend_serve(f) \/ serve_idle(f) \/ serve_move(f) \/ wake(f) \/ wake_remove(f)
  \/ _tend_evict(f) \/ _evict_len(f) \/ _evict_popleft(f) \/ _evict_check(f) \/ _evict_back(f)
  \/ _tend_barred(f) \/ _tend_limit(f)

Spec == Init /\ [][Next]_vars

\* ---- properties ----

Quiet == \A f \in Frames : pc[f] \in {"out", "left", "wait"}  \* all calls have ended, or wait

Places(r) ==
  Cardinality({i \in DOMAIN idle : idle[i] = r})
  + Cardinality({f \in Frames : box[f] = r})
  + Cardinality({f \in Frames : hand[f] = r})
  + Cardinality({f \in Frames : r \in owned[f]})
  + Cardinality({<<f, i>> \in Frames \X (1..Cardinality(Resources)) : i \in DOMAIN victims[f] /\ victims[f][i] = r})
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

\* Nothing is evicted while somebody waits for it.
R5_WaitersComeFirst ==
  [][\A f \in Frames : Len(victims'[f]) > Len(victims[f]) /\ ~closed => waiters = <<>>]_vars

L4_NothingIsLeft == closed /\ Quiet => idle = <<>> /\ waiters = <<>>

=============================================================================
