---------------------------- MODULE ResourcePool ----------------------------
(* What the pool promises: docs/contract.md as a state machine.

   Each action below is one thing that happens at one moment. A call consists of several: it begins, moves
   resources, and returns. Between any two actions of one call, those of others may happen. What the pool does
   itself, `Serve` or evict, can be done by any call that still has to look what there is to do: one that is
   "unsettled". Which call does it, and in which order, is the business of the algorithm, see
   ResourcePoolThreads, not of the contract. *)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Threads,    \* those that call the pool
  Clock,      \* the one that expires what is due without being called (R3)
  Resources,  \* all that there ever are
  None,
  Init0,      \* what the pool is made with, oldest first: a sequence of resources (C2)
  Held,       \* what each thread has already: a function to sets of resources
  MaxSize, MinSize, MaxAge,  \* a number, or None
  HasAlloc, HasCheck,        \* whether the pool has such a function
  Timeouts,   \* how a pop may be called: a subset of {"none", "timed", "forever"}
  CanClose,   \* whether somebody may close the pool, or the last reference to it may go (L1, L4)
  CanInterrupt, \* whether an exception may come to who waits or is handed something (P9)
  Nested,     \* pairs <<inner, outer>>: `inner` calls the pool from within a callback of `outer` (K1)
  HeldUp      \* whether a call may be held up while it has something in its hand, which grows older there

VARIABLES
  idle,       \* what is idle, oldest first: a sequence of [res, age]
  queue,      \* who waits, in order of arrival
  arrived,    \* who has queued in its present pop, in order of arrival
  at,         \* where each thread is, see TypeOK
  timeout,    \* how its pop was called, see WatchCall
  hand,       \* what its call is moving: [res, age], or None
  owned,      \* what it has popped: a set of resources
  victims,    \* what its call has evicted and not yet deallocated, oldest first
  keep,       \* while its call evicts an overflow: how many it leaves; else None
  unsettled,  \* the threads whose call has yet to look for what there is to do
  left,       \* how many have left it to the call of each thread to look in their place, as far as R1 counts them
  busy,       \* the threads that are in a dealloc
  missed, ahead, due, late, tardy,  \* see WatchCall
  unmade, gone, dead,  \* sets of resources: not yet allocated; deallocated; dropped, as `check` was false
  closed

vars == <<idle, queue, arrived, at, timeout, hand, owned, victims, keep, unsettled, left, busy, missed, ahead,
          due, late, tardy, unmade, gone, dead, closed>>

All == Threads \cup {Clock}
Floor == IF MinSize = None THEN 0 ELSE MinSize
Target == IF MinSize = None THEN MaxSize ELSE MinSize  \* how many an overflow leaves (R1)

Range(s) == {s[i] : i \in DOMAIN s}
Last(s) == s[Len(s)]
Front(s) == SubSeq(s, 1, Len(s) - 1)
Without(s, x) == SelectSeq(s, LAMBDA y : y # x)
Res(s) == {e.res : e \in Range(s)}

Expired(e) == MaxAge # None /\ e.age >= MaxAge

\* The oldest that are expired, as long as more than the floor are left (R2).
Due(s) == {s[i].res : i \in {j \in 1..Len(s) : Len(s) - j >= Floor /\ \A k \in 1..j : Expired(s[k])}}

\* What a pop must not return: all of that, but what a push brought that had been held up. For how long that is due late
\* is not said here.
DueNow == Due(idle) \ tardy

InCallback(t) == at[t] \in {"checking", "allocating"} \/ t \in busy
MayCall(t) == at[t] = "out" /\ \A p \in Nested : p[1] = t => InCallback(p[2])
\* A callback can't return while a call that it made has not.
MayReturn(t) == \A p \in Nested : p[2] = t => at[p[1]] = "out"

\* The pushes that have made something idle, and have yet to look whether that is one too many; and the evictions of an
\* overflow, or by age. What these are about to take is idle as long as they may leave it. One that was interrupted in
\* that has yet to look again.
MayExceed == {t \in All : (t \in unsettled /\ (at[t] = "pushed" \/ MaxAge # None \/ CanInterrupt)) \/ keep[t] # None}

\* By how many these threads, with what others have left to them, may exceed `maxsize`.
Excess(some) ==
  Cardinality(MayExceed \cap some) + Cardinality({<<t, i>> \in some \X (1..Cardinality(Resources)) : i <= left[t]})

\* It has done what there was to do, and deallocated what it evicted.
Free(t) == t \notin unsettled /\ victims[t] = <<>>

\* What the promises to who is in a pop are about: how it was called; whether nothing was idle at some moment since
\* it has gone looking; who waited and what was due already when it began; whether the pool was closed when it went
\* looking; what is idle that had grown older in the hand of its push.
WatchCalls(how) ==
  /\ timeout' = [t \in Threads |-> IF at'[t] \in {"popping", "waiting", "found", "checking"} THEN how[t] ELSE None]
  /\ missed' = [t \in Threads |-> at'[t] = "popping" /\ (missed[t] \/ idle' = <<>>)]
  /\ ahead' = [t \in Threads |-> IF at'[t] # "popping" THEN {}
                                ELSE Range(queue') \cap (IF at[t] = "out" THEN Range(queue) ELSE ahead[t])]
  /\ due' = [t \in Threads |-> IF at'[t] \notin {"popping", "waiting"} THEN {}
                              ELSE IF at[t] = "out" THEN DueNow ELSE due[t]]
  /\ late' = [t \in Threads |-> at'[t] = "popping" /\ IF at[t] = "popping" THEN late[t] ELSE closed]
  /\ tardy' = {r \in Res(idle') : \/ r \in tardy
                                \/ \E t \in Threads : at[t] = "pushing" /\ hand[t].res = r /\ hand[t].age > 0}

\* With its look a call has done what was left to it.
WatchCall(how) ==
  /\ WatchCalls(how)
  /\ left' = [t \in All |-> IF t \in unsettled' THEN left[t] ELSE 0]

Watch == WatchCall(timeout)

TypeOK ==
  /\ idle \in Seq([res : Resources, age : 0..(IF MaxAge = None THEN 0 ELSE MaxAge)])
  /\ queue \in Seq(Threads) /\ arrived \in Seq(Threads)
  /\ at \in [All -> {"out", "popping", "waiting", "found", "checking", "allocating", "pushing", "pushed",
                     "working", "closing"}]
  /\ owned \in [Threads -> SUBSET Resources]
  /\ victims \in [All -> Seq(Resources)]
  /\ unsettled \subseteq All /\ busy \subseteq All
  /\ left \in [All -> 0..Cardinality(Resources)]
  /\ closed \in BOOLEAN

Init ==
  /\ idle = [i \in 1..Len(Init0) |-> [res |-> Init0[i], age |-> 0]]
  /\ queue = <<>> /\ arrived = <<>>
  \* C5: where there are too many already, whoever makes the pool evicts them; here that is the clock.
  /\ LET over == MaxSize # None /\ Len(Init0) > MaxSize
     IN  /\ at = [t \in All |-> IF t = Clock /\ over THEN "pushed" ELSE "out"]
         /\ unsettled = IF over THEN {Clock} ELSE {}
  /\ left = [t \in All |-> 0]
  /\ timeout = [t \in Threads |-> None]
  /\ hand = [t \in All |-> None]
  /\ owned = Held
  /\ victims = [t \in All |-> <<>>]
  /\ keep = [t \in All |-> None]
  /\ busy = {}
  /\ missed = [t \in Threads |-> FALSE]
  /\ ahead = [t \in Threads |-> {}]
  /\ due = [t \in Threads |-> {}]
  /\ late = [t \in Threads |-> FALSE]
  /\ tardy = {}
  /\ unmade = Resources \ (Range(Init0) \cup UNION {Held[t] : t \in Threads})
  /\ gone = {} /\ dead = {}
  /\ closed = FALSE

\* ---- actions ----

\* pop ------------------------------------------------------------------------------------------------------

CallPop(t, how) ==
  /\ MayCall(t)
  /\ at' = [at EXCEPT ![t] = "popping"]
  /\ UNCHANGED <<idle, queue, arrived, hand, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ WatchCall([timeout EXCEPT ![t] = how])

\* P1: the newest. R3: not what was due. P7: not before who waited already. L4: not if the pool was closed.
Take(t) ==
  /\ at[t] = "popping"
  /\ ~late[t]
  /\ t \notin busy
  /\ idle # <<>>
  /\ Last(idle).res \notin due[t] \cap Due(idle)
  /\ ahead[t] \cap Range(queue) = {}
  /\ hand' = [hand EXCEPT ![t] = Last(idle)]
  /\ idle' = Front(idle)
  /\ at' = [at EXCEPT ![t] = "found"]
  /\ UNCHANGED <<queue, arrived, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* A call may look at any time what there is to do. R3: what pop finds due it deallocates itself.
Look(t) ==
  /\ at[t] \in {"popping", "waiting", "found", "working", "closing"}
  /\ Free(t)
  /\ unsettled' = unsettled \cup {t}
  /\ UNCHANGED <<idle, queue, arrived, at, hand, owned, victims, keep, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P3, P7: by arrival, which is now, or when it queued first. It has to look again, see P8.
Enqueue(t) ==
  /\ at[t] = "popping"
  /\ missed[t]
  /\ ~closed
  /\ ~HasAlloc
  /\ timeout[t] # "none"
  /\ t \notin busy
  /\ LET order == IF t \in Range(arrived) THEN arrived ELSE Append(arrived, t)
     IN  /\ arrived' = order
         /\ queue' = SelectSeq(order, LAMBDA u : u = t \/ u \in Range(queue))
  /\ at' = [at EXCEPT ![t] = "waiting"]
  /\ unsettled' = unsettled \cup {t}
  /\ UNCHANGED <<idle, hand, owned, victims, keep, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P7, by direct hand-over: who has waited longest gets what is newest.
Serve(u) ==
  /\ u \in unsettled
  /\ ~closed
  /\ idle # <<>>
  /\ queue # <<>>
  /\ Last(idle).res \notin due[Head(queue)] \cap Due(idle)
  /\ hand' = [hand EXCEPT ![Head(queue)] = Last(idle)]
  /\ idle' = Front(idle)
  /\ at' = [at EXCEPT ![Head(queue)] = "found"]
  /\ queue' = Tail(queue)
  /\ UNCHANGED <<arrived, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* R3: a candidate that has expired meanwhile, and would be due if it were still idle, is given up like what is idle.
GiveUp(t) ==
  /\ at[t] = "found"
  /\ t \in unsettled
  /\ Expired(hand[t])
  /\ Len(idle) >= Floor
  /\ victims' = [victims EXCEPT ![t] = Append(@, hand[t].res)]
  /\ hand' = [hand EXCEPT ![t] = None]
  /\ at' = [at EXCEPT ![t] = "popping"]
  /\ UNCHANGED <<idle, queue, arrived, owned, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P5: the candidate is checked, in the thread of the caller.
CallCheck(t) ==
  /\ at[t] = "found"
  /\ HasCheck
  /\ Free(t)
  /\ at' = [at EXCEPT ![t] = "checking"]
  /\ UNCHANGED <<idle, queue, arrived, hand, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P1: the caller owns it from now on.
ReturnPop(t) ==
  /\ at[t] = IF HasCheck THEN "checking" ELSE "found"
  /\ MayReturn(t)
  /\ Free(t)
  /\ owned' = [owned EXCEPT ![t] = @ \cup {hand[t].res}]
  /\ hand' = [hand EXCEPT ![t] = None]
  /\ at' = [at EXCEPT ![t] = "out"]
  /\ arrived' = Without(arrived, t)
  /\ UNCHANGED <<idle, queue, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P5: `check` is false. It is dropped without dealloc, and pop goes on.
DropDead(t) ==
  /\ at[t] = "checking"
  /\ MayReturn(t)
  /\ dead' = dead \cup {hand[t].res}
  /\ hand' = [hand EXCEPT ![t] = None]
  /\ at' = [at EXCEPT ![t] = "popping"]
  /\ UNCHANGED <<idle, queue, arrived, owned, victims, keep, unsettled, busy, unmade, gone, closed>>
  /\ Watch

\* P5: `check` raises. The candidate is deallocated, then the error propagates.
CheckRaises(t) ==
  /\ at[t] = "checking"
  /\ MayReturn(t)
  /\ victims' = [victims EXCEPT ![t] = Append(@, hand[t].res)]
  /\ hand' = [hand EXCEPT ![t] = None]
  /\ at' = [at EXCEPT ![t] = "working"]
  /\ arrived' = Without(arrived, t)
  /\ UNCHANGED <<idle, queue, owned, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P2, P3: only if nothing was idle at some moment of the call.
CallAlloc(t) ==
  /\ at[t] = "popping"
  /\ ~closed
  /\ HasAlloc
  /\ missed[t]
  /\ Free(t)
  /\ at' = [at EXCEPT ![t] = "allocating"]
  /\ UNCHANGED <<idle, queue, arrived, hand, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P2: what it makes is not checked.
ReturnAlloc(t, r) ==
  /\ at[t] = "allocating"
  /\ MayReturn(t)
  /\ r \in unmade
  /\ unmade' = unmade \ {r}
  /\ owned' = [owned EXCEPT ![t] = @ \cup {r}]
  /\ at' = [at EXCEPT ![t] = "out"]
  /\ UNCHANGED <<idle, queue, arrived, hand, victims, keep, unsettled, busy, gone, dead, closed>>
  /\ Watch

\* P2: the pool is as it was.
AllocRaises(t) ==
  /\ at[t] = "allocating"
  /\ MayReturn(t)
  /\ at' = [at EXCEPT ![t] = "out"]
  /\ UNCHANGED <<idle, queue, arrived, hand, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P3: ResourcePoolEmpty at once.
RaiseEmpty(t) ==
  /\ at[t] = "popping"
  /\ ~closed
  /\ ~HasAlloc
  /\ timeout[t] = "none"
  /\ missed[t]
  /\ Free(t)
  /\ at' = [at EXCEPT ![t] = "out"]
  /\ UNCHANGED <<idle, queue, arrived, hand, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P3: ResourcePoolEmpty after the time is up. It leaves the queue at that moment, so that no push reaches it.
TimeOut(t) ==
  /\ at[t] = "waiting"
  /\ timeout[t] = "timed"
  /\ t \notin busy
  /\ at' = [at EXCEPT ![t] = "working"]
  /\ queue' = Without(queue, t)
  /\ arrived' = Without(arrived, t)
  /\ UNCHANGED <<idle, hand, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* L4: ResourcePoolClosed.
RaiseClosed(t) ==
  /\ at[t] = "popping"
  /\ closed
  /\ Free(t)
  /\ at' = [at EXCEPT ![t] = "out"]
  /\ arrived' = Without(arrived, t)
  /\ UNCHANGED <<idle, queue, hand, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* L4: also for who waits.
WakeClosed(t) ==
  /\ at[t] = "waiting"
  /\ closed
  /\ at' = [at EXCEPT ![t] = "working"]
  /\ queue' = Without(queue, t)
  /\ arrived' = Without(arrived, t)
  /\ UNCHANGED <<idle, hand, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P9: an exception comes to a pop that waits, or is about to.
InterruptPop(t) ==
  /\ CanInterrupt
  /\ at[t] \in {"popping", "waiting"}
  /\ t \notin busy
  /\ at' = [at EXCEPT ![t] = "working"]
  /\ queue' = Without(queue, t)
  /\ arrived' = Without(arrived, t)
  /\ UNCHANGED <<idle, hand, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P9: it comes to one that has found something, which goes back.
InterruptFound(t) ==
  /\ CanInterrupt
  /\ at[t] = "found"
  /\ t \notin busy
  /\ at' = [at EXCEPT ![t] = "pushing"]
  /\ hand' = [hand EXCEPT ![t].age = 0]
  /\ arrived' = Without(arrived, t)
  /\ UNCHANGED <<idle, queue, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* push -----------------------------------------------------------------------------------------------------

\* The stamp is read at some moment of the push: it ages while it is in the hand.
CallPush(t, r) ==
  /\ MayCall(t)
  /\ r \in owned[t]
  /\ owned' = [owned EXCEPT ![t] = @ \ {r}]
  /\ hand' = [hand EXCEPT ![t] = [res |-> r, age |-> 0]]
  /\ at' = [at EXCEPT ![t] = "pushing"]
  /\ UNCHANGED <<idle, queue, arrived, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P8: it has to look who waits, R1: and whether that is one too many.
PutIdle(t) ==
  /\ at[t] = "pushing"
  /\ t \notin busy
  /\ idle' = Append(idle, hand[t])
  /\ hand' = [hand EXCEPT ![t] = None]
  /\ at' = [at EXCEPT ![t] = "pushed"]
  /\ unsettled' = unsettled \cup {t}
  /\ UNCHANGED <<queue, arrived, owned, victims, keep, busy, unmade, gone, dead, closed>>
  /\ Watch

\* What an unsettled call does ------------------------------------------------------------------------------

\* R2: the oldest, if it is due. Expiry comes before overflow.
Expire(t) ==
  /\ t \in unsettled
  /\ keep[t] = None
  /\ Due(idle) # {}
  /\ victims' = [victims EXCEPT ![t] = Append(@, Head(idle).res)]
  /\ idle' = Tail(idle)
  /\ UNCHANGED <<queue, arrived, at, hand, owned, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* R1: the decision falls once.
Overflow(t) ==
  /\ t \in unsettled
  /\ MaxSize # None
  /\ keep[t] = None
  /\ queue = <<>>
  /\ Len(idle) > MaxSize
  /\ keep' = [keep EXCEPT ![t] = Target]
  /\ UNCHANGED <<idle, queue, arrived, at, hand, owned, victims, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* R1: the oldest, until so many are left, though pops may take the newest meanwhile.
Evict(t) ==
  /\ keep[t] # None
  /\ Len(idle) > keep[t]
  /\ victims' = [victims EXCEPT ![t] = Append(@, Head(idle).res)]
  /\ idle' = Tail(idle)
  /\ UNCHANGED <<queue, arrived, at, hand, owned, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

EndEviction(t) ==
  /\ keep[t] # None
  /\ Len(idle) <= keep[t]
  /\ keep' = [keep EXCEPT ![t] = None]
  /\ UNCHANGED <<idle, queue, arrived, at, hand, owned, victims, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* P9: an exception cuts the eviction off. What it was just moving goes with the others, and the call looks anew.
InterruptEviction(t) ==
  /\ CanInterrupt
  /\ keep[t] # None
  /\ keep' = [keep EXCEPT ![t] = None]
  /\ \/ UNCHANGED <<idle, victims>>
     \/ /\ idle # <<>>
        /\ victims' = [victims EXCEPT ![t] = Append(@, Head(idle).res)]
        /\ idle' = Tail(idle)
  /\ UNCHANGED <<queue, arrived, at, hand, owned, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* L4: all that a closed pool has, oldest first.
EvictClosed(t) ==
  /\ t \in unsettled
  /\ closed
  /\ idle # <<>>
  /\ victims' = [victims EXCEPT ![t] = Append(@, Head(idle).res)]
  /\ idle' = Tail(idle)
  /\ UNCHANGED <<queue, arrived, at, hand, owned, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* It has looked, and found nothing to do, or what others have yet to look for.
Settle(t) ==
  /\ t \in unsettled
  /\ keep[t] = None
  /\ idle = <<>> \/ unsettled # {t} \/ (queue = <<>> /\ ~closed)
  /\ MaxSize # None => Len(idle) <= MaxSize + Excess(All \ {t})
  /\ unsettled' = unsettled \ {t}
  /\ UNCHANGED <<idle, queue, arrived, at, hand, owned, victims, keep, busy, unmade, gone, dead, closed>>
  /\ Watch

\* K3: it does not wait for a call that has yet to look, and leaves it to that. R1: until that has looked, who has left
\* it counts as in progress, though its call may return. Without `maxsize` that is the same as `Settle`. More than there
\* are resources make no difference.
Leave(t) ==
  /\ MaxSize # None
  /\ t \in unsettled
  /\ keep[t] = None
  /\ unsettled' = unsettled \ {t}
  /\ \E u \in unsettled \ {t} :
       LET more == left[u] + left[t] + (IF t \in MayExceed THEN 1 ELSE 0)
           all == Cardinality(Resources)
       IN  left' = [left EXCEPT ![t] = 0, ![u] = IF more < all THEN more ELSE all]
  /\ UNCHANGED <<idle, queue, arrived, at, hand, owned, victims, keep, busy, unmade, gone, dead, closed>>
  /\ WatchCalls(timeout)

\* K1: called while everybody else can go on. R4: once for each, oldest first.
CallDealloc(t) ==
  /\ t \notin unsettled \cup busy
  /\ victims[t] # <<>>
  /\ busy' = busy \cup {t}
  /\ UNCHANGED <<idle, queue, arrived, at, hand, owned, victims, keep, unsettled, unmade, gone, dead, closed>>
  /\ Watch

\* K2: it returns or raises; to the pool that is the same.
ReturnDealloc(t) ==
  /\ t \in busy
  /\ MayReturn(t)
  /\ busy' = busy \ {t}
  /\ gone' = gone \cup {Head(victims[t])}
  /\ victims' = [victims EXCEPT ![t] = Tail(@)]
  /\ UNCHANGED <<idle, queue, arrived, at, hand, owned, keep, unsettled, unmade, dead, closed>>
  /\ Watch

Return(t) ==
  /\ at[t] \in {"pushed", "working"}
  /\ Free(t)
  /\ at' = [at EXCEPT ![t] = "out"]
  /\ UNCHANGED <<idle, queue, arrived, hand, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* close, time ----------------------------------------------------------------------------------------------

CallClose(t) ==
  /\ CanClose
  /\ MayCall(t)
  /\ ~closed
  /\ at' = [at EXCEPT ![t] = "closing"]
  /\ UNCHANGED <<idle, queue, arrived, hand, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

Close(t) ==
  /\ at[t] = "closing"
  /\ t \notin busy
  /\ closed' = TRUE
  /\ at' = [at EXCEPT ![t] = "working"]
  /\ unsettled' = unsettled \cup {t}
  /\ UNCHANGED <<idle, queue, arrived, hand, owned, victims, keep, busy, unmade, gone, dead>>
  /\ Watch

\* All that is idle, or in a hand, grows older. More than MaxAge makes no difference.
Older(e) == [e EXCEPT !.age = IF @ < MaxAge THEN @ + 1 ELSE @]

Tick ==
  /\ MaxAge # None
  /\ idle' = [i \in DOMAIN idle |-> Older(idle[i])]
  /\ hand' = [t \in All |-> IF HeldUp /\ hand[t] # None THEN Older(hand[t]) ELSE hand[t]]
  /\ idle' # idle \/ hand' # hand
  /\ UNCHANGED <<queue, arrived, at, owned, victims, keep, unsettled, busy, unmade, gone, dead, closed>>
  /\ Watch

\* R3: the clock calls when something is due. It may also have been taken since.
Ring ==
  /\ MaxAge # None
  /\ at[Clock] = "out"
  /\ ~closed
  /\ at' = [at EXCEPT ![Clock] = "working"]
  /\ unsettled' = unsettled \cup {Clock}
  /\ UNCHANGED <<idle, queue, arrived, hand, owned, victims, keep, busy, unmade, gone, dead, closed>>
  /\ Watch

Next ==
  \/ \E t \in Threads :
       \/ \E how \in Timeouts : CallPop(t, how)
       \/ \E r \in Resources : CallPush(t, r) \/ ReturnAlloc(t, r)
       \/ Take(t) \/ Look(t) \/ Enqueue(t) \/ GiveUp(t) \/ CallCheck(t) \/ ReturnPop(t) \/ DropDead(t) \/ CheckRaises(t)
       \/ CallAlloc(t) \/ AllocRaises(t) \/ RaiseEmpty(t) \/ TimeOut(t) \/ RaiseClosed(t)
       \/ WakeClosed(t) \/ InterruptPop(t) \/ InterruptFound(t) \/ PutIdle(t) \/ CallClose(t) \/ Close(t)
  \/ \E t \in All :
       Serve(t) \/ Expire(t) \/ Overflow(t) \/ Evict(t) \/ EndEviction(t) \/ InterruptEviction(t)
         \/ EvictClosed(t) \/ Settle(t) \/ Leave(t) \/ CallDealloc(t) \/ ReturnDealloc(t) \/ Return(t)
  \/ Ring
  \/ Tick

Spec == Init /\ [][Next]_vars

\* ---- properties ----

\* Of a state ------------------------------------------------------------------------------------------------

Count(s, r) == Cardinality({i \in DOMAIN s : s[i] = r})
Places(r) ==
  Cardinality({i \in DOMAIN idle : idle[i].res = r})
  + Cardinality({t \in All : hand[t] # None /\ hand[t].res = r})
  + Cardinality({t \in Threads : r \in owned[t]})
  + Cardinality({<<t, i>> \in All \X (1..Cardinality(Resources)) : i \in DOMAIN victims[t] /\ victims[t][i] = r})
  + Cardinality({x \in {<<unmade, 1>>, <<gone, 2>>, <<dead, 3>>} : r \in x[1]})

P9_OnePlace == \A r \in Resources : Places(r) = 1

P9_InHand == \A t \in All : (hand[t] # None) = (at[t] \in {"found", "checking", "pushing"})

P8_NoLostWakeUp == idle # <<>> /\ queue # <<>> => unsettled # {}

P7_ByArrival == queue = SelectSeq(arrived, LAMBDA t : t \in Range(queue))

P7_ArrivalsAreOfThisPop == \A t \in Range(arrived) : at[t] \in {"popping", "waiting", "found", "checking"}

R1_Bound == MaxSize # None => Len(idle) <= MaxSize + Excess(All)
R1_BoundAtRest == MaxSize # None /\ unsettled = {} => Len(idle) <= MaxSize

K1_NoCallbackWhileItTends == busy \cap unsettled = {}

L4_NothingIsLeft == closed /\ (\A t \in All : at[t] = "out") => idle = <<>> /\ queue = <<>>

L3_NoClockWithoutMaxAge == MaxAge = None => at[Clock] # "working"

\* Of a step -------------------------------------------------------------------------------------------------

Takes(t) == at[t] = "popping" /\ at'[t] = "found"
IsServed(t) == at[t] = "waiting" /\ at'[t] = "found"
Evicts(t) == Len(victims'[t]) > Len(victims[t]) /\ idle' # idle

P1_NewestFirst == [][\A t \in Threads : Takes(t) => hand'[t] = Last(idle) /\ idle' = Front(idle)]_vars

P1_WhoOwnsItHasReturned == [][\A t \in Threads : owned'[t] \subseteq owned[t] \/ at'[t] = "out"]_vars

P2_AllocOnlyIfMissed == [][\A t \in Threads : at[t] # "allocating" /\ at'[t] = "allocating" => missed[t] /\ HasAlloc]_vars

P3_EmptyOnlyIfMissed ==
  [][\A t \in Threads : at[t] = "popping" /\ at'[t] = "out" => closed \/ (missed[t] /\ timeout[t] = "none" /\ ~HasAlloc)]_vars

P3_WaitsAsLongAsAsked ==
  [][\A t \in Threads : at[t] = "waiting" /\ at'[t] = "working" => timeout[t] = "timed" \/ closed \/ CanInterrupt]_vars

P3_WaitsIfAsked ==
  [][\A t \in Threads : at[t] # "waiting" /\ at'[t] = "waiting" => missed[t] /\ timeout[t] # "none" /\ ~HasAlloc]_vars

P5_Checked == [][\A t \in Threads : owned'[t] # owned[t] /\ hand[t] # None /\ hand'[t] = None
                                    => (at[t] = "checking") = HasCheck]_vars

P5_OneOutcome ==
  [][\A t \in Threads : at[t] = "checking" /\ at'[t] # "checking" => at'[t] \in {"out", "popping", "working"}]_vars

P5_DeadAreDropped ==
  [][\A r \in dead' \ dead : HasCheck /\ \E t \in Threads : at[t] = "checking" /\ hand[t] # None /\ hand[t].res = r]_vars

P7_FirstComeFirstServed == [][\A t \in Threads : IsServed(t) => t = Head(queue) /\ hand'[t] = Last(idle)]_vars

P7_NoOvertaking == [][\A t \in Threads : Takes(t) => ahead[t] \cap Range(queue) = {}]_vars

\* Also what an interrupted pop has to give back; its age begins again.
P9_WhatIsPushedIsIdle ==
  [][\A t \in Threads : at[t] = "pushing" /\ at'[t] # "pushing" => at'[t] = "pushed" /\ idle' = Append(idle, hand[t])]_vars
P9_GoesBackAnew == [][\A t \in Threads : at[t] = "found" /\ at'[t] = "pushing" => CanInterrupt /\ hand'[t].age = 0]_vars

P9_NothingComesBack == [][gone \subseteq gone' /\ dead \subseteq dead']_vars

\* Unless an exception cuts it off, which may cost one.
R1_DownToTheTarget ==
  [][\A t \in All : keep[t] # None /\ ~closed =>
       LET cut == CanInterrupt /\ keep'[t] = None
       IN  /\ Evicts(t) => Len(idle') >= Target \/ cut
           /\ keep'[t] = None => Len(idle) <= Target \/ cut]_vars

R1_OnlyTooMany == [][\A t \in All : keep[t] = None /\ keep'[t] # None => Len(idle) > MaxSize]_vars

R2_OldestFirst ==
  [][\A t \in All : Evicts(t) => /\ idle' = Tail(idle)
                                /\ victims'[t] = Append(victims[t], Head(idle).res)]_vars

R2_OnlyDue == [][\A t \in All : Evicts(t) /\ keep[t] = None /\ ~closed
                               => Expired(Head(idle)) /\ Len(idle) > Floor]_vars

R2_GivesUpOnlyDue ==
  [][\A t \in Threads : at[t] = "found" /\ at'[t] = "popping" => Expired(hand[t]) /\ Len(idle) >= Floor]_vars

\* What a call has evicted is deallocated when it returns.
R1_R3_FreeWhenItReturns == [][\A t \in All : at[t] # "out" /\ at'[t] = "out" => Free(t)]_vars

R3_NotWhatIsDue == [][\A t \in Threads : Takes(t) \/ IsServed(t) => hand'[t].res \notin due[t] \cap Due(idle)]_vars

R4_InOrder == [][\A t \in All : Len(victims'[t]) > Len(victims[t]) => Front(victims'[t]) = victims[t]]_vars

R4_DeallocatedOnce ==
  [][\A r \in gone' \ gone : \E t \in All : t \in busy /\ victims[t] # <<>> /\ Head(victims[t]) = r]_vars

R5_WaitersComeFirst == [][\A t \in All : keep[t] = None /\ keep'[t] # None => queue = <<>>]_vars

K1_SeveralAtOnce == [][\A t \in All : t \in busy' \ busy => t \notin unsettled]_vars

\* But for what others do to it.
K1_TheCallStandsStill ==
  [][\A t \in All : t \in busy /\ at'[t] # at[t] => at[t] = "waiting" /\ (at'[t] = "found" \/ closed)]_vars

\* A callback that calls the pool returns after that call.
K1_CallsEndBeforeTheirCallback ==
  [][\A p \in Nested : at[p[1]] # "out" /\ InCallback(p[2]) => InCallback(p[2])']_vars

L4_NothingAfterClose == [][\A t \in Threads : /\ Takes(t) => ~late[t]
                                              /\ IsServed(t) => ~closed
                                              /\ at[t] # "waiting" /\ at'[t] = "waiting" => ~closed
                                              /\ at[t] # "allocating" /\ at'[t] = "allocating" => ~closed]_vars

L4_TheClockIsCancelled == [][at[Clock] = "out" /\ at'[Clock] # "out" => ~closed]_vars

L4_StaysClosed == [][closed => closed']_vars

\* In the long run ---------------------------------------------------------------------------------------------

\* Each thread goes on with what it has begun, callbacks return, time passes, and the clock calls. Somebody serves who
\* waits, and what is due again and again while the clock looks is expired some time.
Goes(t) ==
  \/ t \in Threads /\ (\/ Take(t) \/ Enqueue(t) \/ CallCheck(t) \/ ReturnPop(t) \/ CallAlloc(t) \/ AllocRaises(t)
                        \/ RaiseEmpty(t) \/ RaiseClosed(t) \/ PutIdle(t) \/ Close(t))
  \/ Serve(t) \/ Expire(t) \/ Overflow(t) \/ Evict(t) \/ EndEviction(t) \/ EvictClosed(t) \/ Settle(t)
  \/ CallDealloc(t) \/ ReturnDealloc(t) \/ Return(t)
Fairness ==
  /\ \A t \in All : WF_vars(Goes(t))
  /\ \A t \in Threads : WF_vars(TimeOut(t)) /\ WF_vars(WakeClosed(t))
  /\ WF_vars(\E t \in All : Serve(t))
  /\ SF_vars(Expire(Clock)) /\ WF_vars(Ring) /\ WF_vars(Tick)

FairSpec == Spec /\ Fairness

P8_IsServed == \A t \in Threads : at[t] = "waiting" /\ idle # <<>> ~> at[t] # "waiting" \/ idle = <<>>
P3_TimedWaitEnds == \A t \in Threads : at[t] = "waiting" /\ timeout[t] = "timed" ~> at[t] # "waiting"
R3_DueGoes == Due(idle) # {} ~> Due(idle) = {}
R4_IsDeallocated == \A r \in Resources : (\E t \in All : r \in Range(victims[t])) ~> r \in gone
L4_AllAreWoken == closed ~> queue = <<>>

=============================================================================
