------------------------------ MODULE MCReplay ------------------------------
(* The part of the contract that is replayed on the code, see docs/verification.md: what the algorithm does if others
   can come in between only where a call has not begun yet, has just appended, waits, is in a callback, or is about to
   call one or to return.

   Each step is one of ResourcePool: TLC checks `KeepsTheContract`. The contract leaves open which call serves, expires
   or evicts, in which order, and when it looks; here a call does what the algorithm does. So the code can do each
   step, and has to. The names of the steps are those of ResourcePool, with a small letter; `timeIsUp` and `interrupt` are a
   `Look`, too. *)
EXTENDS MCResourcePool, Integers

VARIABLES
  mover,  \* the call that others can't come in between: it looks, or is to decide that nothing was found; or None
  stage,  \* where that is
  since,  \* how old `_since` is: the fast path is taken until that is MaxAge; Never for infinity
  armed,  \* how old the stamp is for which the clock is to call; or None
  woken,  \* who waited when the pool was closed, and has yet to look
  cut     \* who has been interrupted, and has yet to leave

OneHeld == [t \in Threads |-> IF t = t1 THEN {r3} ELSE {}]
TwoHeld == [t \in Threads |-> IF t = t1 THEN {r3} ELSE IF t = t2 THEN {r4} ELSE {}]

auxiliary == <<mover, stage, since, armed, woken, cut>>

Never == 0 - 1
Aged == IF MaxAge = None THEN Never ELSE MaxAge

Nobody == mover = None
Mine(t) == mover \in {None, t}
Keeps(t, s) == mover' = t /\ stage' = s
Parks == mover' = None /\ stage' = "begin"
Timed == UNCHANGED <<since, armed>>
Others == UNCHANGED <<woken, cut>>
Same == UNCHANGED auxiliary

Barred == queue # <<>> \/ closed
Direct == IF MaxAge = None THEN ~Barred ELSE since < MaxAge
\* Whether a push that has appended finds more idle than `_limit`, or that something may be due.
HasToLook ==
  \/ Barred /\ idle # <<>>
  \/ ~Barred /\ MaxSize # None /\ Len(idle) > MaxSize
  \/ MaxAge # None /\ (since = MaxAge \/ (since = Never /\ Len(idle) > Floor))
NoLock == closed /\ queue = <<>>

Stage(t) ==
  IF mover = t /\ stage # "begin" THEN stage
  ELSE IF at[t] = "pushed" /\ t \in unsettled
  THEN IF ~HasToLook THEN "done" ELSE IF NoLock THEN "nolock" ELSE "tend"
  ELSE "begin"

TooMany == ~closed /\ queue = <<>> /\ MaxSize # None /\ Len(idle) > MaxSize
Tends(t) == Mine(t) /\ Stage(t) = "tend"
HasTended(t) ==
  /\ Tends(t)
  /\ DueNow = {} /\ keep[t] = None /\ ~TooMany
  /\ queue = <<>> \/ (idle = <<>> /\ ~closed)
  /\ closed => idle = <<>>
IsReady(t) == (mover = t /\ stage = "step") \/ HasTended(t)

\* What `_tend` leaves, if that is what the mover has done. The clock's call has forgotten its timer.
Arms(t) ==
  IF MaxAge = None \/ Stage(t) # "tend" THEN Timed
  ELSE LET timer == IF t = Clock \/ closed THEN None ELSE armed
       IN  IF Barred THEN since' = MaxAge /\ armed' = timer
           ELSE IF Len(idle) > Floor
           THEN since' = Head(idle).age /\ armed' = IF timer = None THEN Head(idle).age ELSE timer
           ELSE since' = (IF Floor > 0 THEN Never ELSE MaxAge) /\ armed' = timer

RInit ==
  /\ Init
  /\ mover = None /\ stage = "begin"
  /\ since = IF MaxAge = None \/ Len(idle) > Floor THEN 0 ELSE IF Floor > 0 THEN Never ELSE MaxAge
  /\ armed = IF MaxAge # None /\ Len(idle) > Floor THEN 0 ELSE None
  /\ woken = {} /\ cut = {}

\* Calls ---------------------------------------------------------------------------------------------------------

callPop(t, how) == Nobody /\ CallPop(t, how) /\ Same
callPush(t, r) == Nobody /\ CallPush(t, r) /\ Same
callClose(t) == Nobody /\ CallClose(t) /\ Same

\* The fast path, then the slow one.
take(t) ==
  /\ Mine(t)
  /\ \/ Stage(t) = "begin" /\ Direct /\ Parks /\ Timed
     \/ IsReady(t) /\ queue = <<>> /\ ~closed /\ Keeps(t, "done") /\ Arms(t)
  /\ Take(t)
  /\ Others

Looks(t) == Keeps(t, IF NoLock THEN "nolock" ELSE IF idle # <<>> THEN "tend" ELSE "step")

\* A pop on the slow path; again to leave, if the pool is closed; a close; and who was woken by that.
look(t) ==
  /\ Mine(t)
  /\ CASE at[t] = "popping" -> IF Stage(t) = "leave" THEN Keeps(t, "left")
                               ELSE /\ Stage(t) = "slow" \/ (Stage(t) = "begin" /\ (~Direct \/ idle = <<>>))
                                    /\ Looks(t)
       [] at[t] = "closing" -> Stage(t) = "begin" /\ ~NoLock /\ Looks(t)
       [] at[t] = "working" -> t \in woken /\ Looks(t)
       [] OTHER -> FALSE
  /\ Look(t)
  /\ woken' = woken \ {t}
  /\ Timed /\ UNCHANGED cut

timeIsUp(t) ==
  /\ Nobody
  /\ at[t] = "waiting" /\ timeout[t] = "timed"
  /\ Look(t)
  /\ Looks(t)
  /\ Timed /\ Others

\* While it waits, or has been served and has not gone on yet. With a timeout it may have been served as it left.
interrupt(t) ==
  /\ CanInterrupt
  /\ Nobody
  /\ at[t] = "waiting" \/ (at[t] = "found" /\ t \in Range(arrived) /\ timeout[t] = "forever")
  /\ t \notin cut
  /\ Look(t)
  /\ Looks(t)
  /\ cut' = cut \cup {t}
  /\ Timed /\ UNCHANGED woken

enqueue(t) ==
  /\ IsReady(t)
  /\ idle = <<>>
  /\ Enqueue(t)
  /\ Keeps(t, "done")
  /\ since' = (IF MaxAge = None THEN since ELSE MaxAge)
  /\ UNCHANGED armed /\ Others

timeOut(t) == IsReady(t) /\ t \notin cut /\ TimeOut(t) /\ Keeps(t, "tend") /\ Timed /\ Others
\* Where there is something idle, it is passed over, instead of served.
interruptPop(t) ==
  /\ t \in cut /\ cut' = cut \ {t}
  /\ at[t] = "waiting"
  /\ IsReady(t) \/ (Tends(t) /\ DueNow = {} /\ Head(queue) = t)
  /\ InterruptPop(t)
  /\ Keeps(t, "tend")
  /\ Timed /\ UNCHANGED woken
interruptFound(t) ==
  /\ Nobody
  /\ t \in cut /\ cut' = cut \ {t}
  /\ Free(t)
  /\ InterruptFound(t)
  /\ Parks
  /\ Timed /\ UNCHANGED woken

callCheck(t) == Nobody /\ t \notin cut /\ CallCheck(t) /\ Same
returnPop(t) == Nobody /\ t \notin cut /\ ReturnPop(t) /\ Same
dropDead(t) == Nobody /\ DropDead(t) /\ Keeps(t, "slow") /\ Timed /\ Others
checkRaises(t) == Nobody /\ CheckRaises(t) /\ Same

callAlloc(t) == mover = t /\ stage = "looked" /\ CallAlloc(t) /\ Parks /\ Timed /\ Others
returnAlloc(t, r) == Nobody /\ ReturnAlloc(t, r) /\ Same
allocRaises(t) == Nobody /\ AllocRaises(t) /\ Same
raiseEmpty(t) == mover = t /\ stage = "looked" /\ RaiseEmpty(t) /\ Parks /\ Timed /\ Others
raiseClosed(t) == mover = t /\ stage = "looked" /\ RaiseClosed(t) /\ Parks /\ Timed /\ Others

\* In a closed pool nothing that others could find is left idle.
putIdle(t) == Nobody /\ PutIdle(t) /\ (IF closed THEN Keeps(t, "begin") ELSE Parks) /\ Timed /\ Others

\* Without the lock, where it has been closed already.
close(t) ==
  /\ Mine(t)
  /\ Close(t)
  /\ IF NoLock
     THEN Keeps(t, "nolock") /\ Timed
     ELSE IsReady(t) /\ Keeps(t, "tend") /\ since' = (IF MaxAge = None THEN since ELSE MaxAge) /\ UNCHANGED armed
  /\ Others

\* _tend: expire, serve or wake, evict -----------------------------------------------------------------------------

expire(t) == Tends(t) /\ Expire(t) /\ Keeps(t, "tend") /\ Timed /\ Others
serve(t) ==
  /\ Tends(t)
  /\ DueNow = {} /\ queue # <<>> /\ Head(queue) \notin cut
  /\ Serve(t)
  /\ Keeps(t, "tend")
  /\ Timed /\ Others
wakeClosed(t, u) ==
  /\ Tends(t)
  /\ DueNow = {} /\ queue # <<>> /\ u = Head(queue)
  /\ WakeClosed(u)
  /\ woken' = woken \cup {u}
  /\ Keeps(t, "tend")
  /\ Timed /\ UNCHANGED cut
overflow(t) == Tends(t) /\ ~closed /\ DueNow = {} /\ Overflow(t) /\ Keeps(t, "tend") /\ Timed /\ Others
evict(t) == Evict(t) /\ Same
endEviction(t) == EndEviction(t) /\ Same
evictClosed(t) ==
  /\ Mine(t)
  /\ \/ Stage(t) = "tend" /\ DueNow = {} /\ queue = <<>> /\ Keeps(t, "tend")
     \/ Stage(t) = "nolock" /\ Keeps(t, "nolock")
  /\ EvictClosed(t)
  /\ Timed /\ Others

\* A pop without a timeout, or with an `alloc`, takes what is idle; one with a timeout takes it or queues.
HasStepped(t) ==
  CASE at[t] = "popping" -> idle = <<>> /\ (timeout[t] = "none" \/ HasAlloc)
    [] at[t] \in {"waiting", "closing"} -> FALSE
    [] OTHER -> TRUE
settle(t) ==
  /\ Mine(t)
  /\ \/ Stage(t) = "done"
     \/ Stage(t) \in {"nolock", "left"} /\ idle = <<>>
     \/ IsReady(t) /\ HasStepped(t)
  /\ Settle(t)
  /\ IF at[t] # "popping" THEN Parks
     ELSE Keeps(t, IF Stage(t) = "nolock" /\ timeout[t] # "none" /\ ~HasAlloc THEN "leave" ELSE "looked")
  /\ Arms(t) /\ Others

callDealloc(t) ==
  /\ Nobody \/ (mover = t /\ stage = "looked")
  /\ CallDealloc(t)
  /\ Parks
  /\ Timed /\ Others
returnDealloc(t) ==
  /\ Nobody
  /\ ReturnDealloc(t)
  /\ IF at[t] = "popping" THEN Keeps(t, "looked") ELSE Parks
  /\ Timed /\ Others
return(t) == Nobody /\ t \notin woken /\ Return(t) /\ Same

\* Time --------------------------------------------------------------------------------------------------------------

\* A push reads the clock once.
tick ==
  /\ Nobody
  /\ \A t \in All : at[t] # "pushing" /\ ~(at[t] = "pushed" /\ t \in unsettled)
  /\ Tick
  /\ since' = IF since \in {Never, MaxAge} THEN since ELSE since + 1
  /\ armed' = IF armed \in {None, MaxAge} THEN armed ELSE armed + 1
  /\ UNCHANGED <<mover, stage>> /\ Others

ring == Nobody /\ armed = Aged /\ Ring /\ Keeps(Clock, "tend") /\ Timed /\ Others

Moves(t) ==
  \/ \E how \in Timeouts : callPop(t, how)
  \/ \E r \in Resources : callPush(t, r) \/ returnAlloc(t, r)
  \/ callClose(t) \/ take(t) \/ look(t) \/ timeIsUp(t) \/ interrupt(t) \/ enqueue(t) \/ timeOut(t)
  \/ interruptPop(t) \/ interruptFound(t) \/ callCheck(t) \/ returnPop(t) \/ dropDead(t) \/ checkRaises(t)
  \/ callAlloc(t) \/ allocRaises(t) \/ raiseEmpty(t) \/ raiseClosed(t) \/ putIdle(t) \/ close(t)
Works(t) ==
  \/ \E u \in Threads : wakeClosed(t, u)
  \/ expire(t) \/ serve(t) \/ overflow(t) \/ evict(t) \/ endEviction(t) \/ evictClosed(t) \/ settle(t)
  \/ callDealloc(t) \/ returnDealloc(t) \/ return(t)
RNext == (\E t \in Threads : Moves(t)) \/ (\E t \in All : Works(t)) \/ tick \/ ring

RSpec == RInit /\ [][RNext]_<<vars, auxiliary>>

\* Each step is one of the contract.
KeepsTheContract == Spec

\* The restriction holds nobody up: who is in a call can go on, unless another one is the mover, or it waits.
GoesOn ==
  \A t \in All : at[t] \notin {"out", "waiting"} /\ Mine(t) => ENABLED Works(t) \/ (t \in Threads /\ ENABLED Moves(t))
=============================================================================
