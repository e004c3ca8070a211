------------------------------ MODULE Upstream ------------------------------
(***************************************************************************)
(* The algorithm of version 0.1.1, at the grain of its lock, so that TLC   *)
(* finds its defects.  The clauses that the properties are named after     *)
(* and the numbers of the defects are those of docs/contract.md.           *)
(*                                                                         *)
(* How to read it: a state is a value for each variable.  Each definition  *)
(* under "Actions" is one kind of step; what stands on plain variables     *)
(* says when the step is possible, what stands on primed ones (lock') what *)
(* holds after it.  [f EXCEPT ![x] = y] is f, but y at x.  TLC tries all   *)
(* steps in all orders, and shows the first run that breaks a property.    *)
(*                                                                         *)
(* A step is what a thread does from acquiring the lock to releasing it,   *)
(* or to a callback.  What has no part in these defects is left out:       *)
(* `alloc`, timeouts, initial resources, a `check` that raises.            *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
    None,            \* no thread, no resource, argument not given
    Users,           \* the threads of the program that call the pool
    Resources,       \* what they may push, each once: so it also stands for its finalizer and its timer
    MinSize,         \* a number, or None
    MaxSize,         \* a number, or None
    MaxAge,          \* TRUE: the pool has a maxage.  Time is not modelled, a timer may fire at any moment
    Reentrant,       \* the callbacks that call a method of the pool: a subset of {"check", "dealloc"}
    DeallocRaises,   \* TRUE: each dealloc may raise
    BackReferences,  \* TRUE: each resource refers to the pool
    Drops,           \* TRUE: the program may drop the pool
    Signal           \* one signal may come, and its handler "raises" or "pushes"; or None

VARIABLES
    at,       \* where each thread is
    has,      \* what each thread is pushing, checking or deallocating
    nested,   \* TRUE: a callback or signal handler in this thread has called the pool, and waits for the lock
    lock,     \* the thread that holds the one lock, which is not re-entrant
    idle,     \* the idle resources, oldest first
    fate,     \* "new", "pool" (idle, or in a call), "popped", "dead" (check), "deallocated", "lost"
    queue,    \* the users that have waited and not taken anything since, first come first; 0.1.1 keeps no such
              \* queue, P7 needs it
    dropped,  \* TRUE: the program has dropped its last reference to the pool
    signal    \* the signal that is still to come

vars == <<at, has, nested, lock, idle, fate, queue, dropped, signal>>

Evictor == <<"evictor">>         \* the eviction thread, started by the constructor if there is a maxsize
Timer(r) == <<"timer", r>>       \* the timer thread, started by the push of r if there is a maxage
Background == {Evictor} \cup {Timer(r) : r \in Resources}
Threads == Users \cup Background

Places == {
    "out",        \* a user, not in a call
    "push",       \* in push, before the lock
    "pop",        \* in pop, before the lock
    "check",      \* in pop, in the check of what was idle at once, without the lock
    "wait",       \* in Condition.wait_for, before the lock and the test of what it waits for
    "asleep",     \* in Condition.wait_for, until notified
    "waitCheck",  \* in pop after a wait, in the check
    "armed",      \* a timer that has not fired
    "dealloc",    \* an evicting thread, in the dealloc of a victim
    "none",       \* a thread that has not been started
    "ended"}      \* a thread that has ended

Floor == IF MinSize = None THEN MaxSize ELSE MinSize  \* the default of minsize in 0.1.1

Range(s) == {s[i] : i \in 1..Len(s)}
Without(s, x) == SelectSeq(s, LAMBDA y : y # x)

Turn(t) == IF queue = <<>> THEN TRUE ELSE Head(queue) = t  \* nobody waits who came before t

-----------------------------------------------------------------------------
(* What is wrong, as far as it is one value.  Change a line, and the property that it breaks holds. *)

LockInCallback(t) == t   \* defect 3: while t evicts, or checks after a wait, t keeps the lock
LockAtSignal(t) == t     \* defects 12, 16: a signal can come when t has just acquired the lock, and t keeps it
EvictorPins == TRUE      \* defect 1: the eviction thread refers to the pool
ResourcesPin == BackReferences  \* defect 15: the finalizers are global, so what an idle resource refers to stays
MayTake(t) == TRUE       \* defect 8: who gets the lock first may take what is idle
AfterRaise == "ended"    \* defect 4: what a dealloc raises ends the eviction thread
AgeFloor == Floor        \* defect 6: maxsize counts as minsize, so that many never expire

-----------------------------------------------------------------------------
(* Actions *)

Init ==
    /\ at = [t \in Threads |-> IF t \in Users THEN "out"
                               ELSE IF t = Evictor /\ MaxSize # None THEN "wait" ELSE "none"]
    /\ has = [t \in Threads |-> None]
    /\ nested = [t \in Threads |-> FALSE]
    /\ lock = None
    /\ idle = <<>>
    /\ fate = [r \in Resources |-> "new"]
    /\ queue = <<>>
    /\ dropped = FALSE
    /\ signal = Signal

\* The lock is free, and t may go on: nothing runs inside its call.
Acquires(t) == lock = None /\ ~nested[t]

New == {r \in Resources : fate[r] = "new"}

\* A user calls push with the next resource, which belongs to the pool from then on.
CallPush(t) ==
    /\ at[t] = "out" /\ ~dropped /\ New # {}
    /\ LET r == CHOOSE r \in New : TRUE IN
       /\ has' = [has EXCEPT ![t] = r]
       /\ fate' = [fate EXCEPT ![r] = "pool"]
    /\ at' = [at EXCEPT ![t] = "push"]
    /\ UNCHANGED <<nested, lock, idle, queue, dropped, signal>>

\* push stores the resource, with maxage starts a timer thread for it (defect 2: one for each push), wakes
\* everybody who sleeps, users and eviction thread, and returns.  It evicts nothing itself (defect 5).
Push(t) ==
    /\ at[t] = "push" /\ Acquires(t)
    /\ idle' = Append(idle, has[t])
    /\ has' = [has EXCEPT ![t] = None]
    /\ at' = [x \in Threads |-> IF x = t THEN "out"
                                ELSE IF at[x] = "asleep" THEN "wait"
                                ELSE IF MaxAge /\ x = Timer(has[t]) THEN "armed" ELSE at[x]]
    /\ UNCHANGED <<nested, lock, fate, queue, dropped, signal>>

\* A user calls pop.
CallPop(t) ==
    /\ at[t] = "out" /\ ~dropped
    /\ at' = [at EXCEPT ![t] = "pop"]
    /\ UNCHANGED <<has, nested, lock, idle, fate, queue, dropped, signal>>

\* t takes the newest and begins its check.
Take(t, place) ==
    /\ idle # <<>> /\ MayTake(t)
    /\ at' = [at EXCEPT ![t] = place]
    /\ has' = [has EXCEPT ![t] = idle[Len(idle)]]
    /\ idle' = SubSeq(idle, 1, Len(idle) - 1)
    /\ queue' = Without(queue, t)
    /\ nested' = [nested EXCEPT ![t] = "check" \in Reentrant]
    /\ UNCHANGED <<fate, dropped, signal>>

\* pop finds something idle, takes it, and checks it after releasing the lock.  It does not ask whether
\* somebody has been waiting for longer (defect 8).
PopIdle(t) == at[t] = "pop" /\ Acquires(t) /\ Take(t, "check") /\ UNCHANGED lock

\* pop finds nothing idle.  Without a timeout it raises, with one it goes on to wait.
PopNothing(t) ==
    /\ at[t] = "pop" /\ Acquires(t) /\ ~(idle # <<>> /\ MayTake(t))
    /\ \E place \in {"out", "wait"} : at' = [at EXCEPT ![t] = place]
    /\ UNCHANGED <<has, nested, lock, idle, fate, queue, dropped, signal>>

\* A waiter has the lock and finds nothing: it sleeps, which releases the lock.
Sleep(t) ==
    /\ t \in Users /\ at[t] = "wait" /\ Acquires(t) /\ idle = <<>>
    /\ at' = [at EXCEPT ![t] = "asleep"]
    /\ queue' = IF t \in Range(queue) THEN queue ELSE Append(queue, t)
    /\ UNCHANGED <<has, nested, lock, idle, fate, dropped, signal>>

\* A waiter has the lock and finds something: it takes it, and keeps the lock for the check (defect 3).
TakeAfterWait(t) ==
    /\ t \in Users /\ at[t] = "wait" /\ Acquires(t) /\ Take(t, "waitCheck")
    /\ lock' = LockInCallback(t)

\* The check says alive, and pop returns the resource; or it says dead, and pop begins anew.
CheckEnds(t) ==
    /\ at[t] \in {"check", "waitCheck"} /\ ~nested[t]
    /\ \/ /\ fate' = [fate EXCEPT ![has[t]] = "popped"]
          /\ at' = [at EXCEPT ![t] = "out"]
       \/ /\ fate' = [fate EXCEPT ![has[t]] = "dead"]
          /\ at' = [at EXCEPT ![t] = IF at[t] = "check" THEN "pop" ELSE "wait"]
    /\ has' = [has EXCEPT ![t] = None]
    /\ lock' = IF lock = t THEN None ELSE lock
    /\ UNCHANGED <<nested, idle, queue, dropped, signal>>

\* What a callback or a signal handler called acquires the lock, does its work and returns.  If its own
\* thread holds the lock already, that never happens: it waits for itself.
NestedCall(t) ==
    /\ nested[t] /\ lock = None
    /\ nested' = [nested EXCEPT ![t] = FALSE]
    /\ UNCHANGED <<at, has, lock, idle, fate, queue, dropped, signal>>

\* t takes r out and calls its dealloc, with the lock held (defect 3).
BeginDealloc(t, r) ==
    /\ at' = [at EXCEPT ![t] = "dealloc"]
    /\ has' = [has EXCEPT ![t] = r]
    /\ idle' = Without(idle, r)
    /\ nested' = [nested EXCEPT ![t] = "dealloc" \in Reentrant]
    /\ lock' = LockInCallback(t)

\* The eviction thread has the lock.  If more than maxsize are idle it takes the oldest, else it sleeps.
Evict(t) ==
    /\ t = Evictor /\ at[t] = "wait" /\ Acquires(t)
    /\ IF Len(idle) > MaxSize
       THEN BeginDealloc(t, Head(idle))
       ELSE at' = [at EXCEPT ![t] = "asleep"] /\ UNCHANGED <<has, idle, nested, lock>>
    /\ UNCHANGED <<fate, queue, dropped, signal>>

\* The timer of r fires and has the lock.  If more than the floor are idle, and r is one of them, it takes
\* r.  In any case it fires only once, so that what the floor keeps now is kept for ever (defect 6).
Fire(t, r) ==
    /\ t = Timer(r) /\ at[t] = "armed" /\ Acquires(t)
    /\ IF (AgeFloor = None \/ Len(idle) > AgeFloor) /\ r \in Range(idle)
       THEN BeginDealloc(t, r)
       ELSE at' = [at EXCEPT ![t] = "ended"] /\ UNCHANGED <<has, idle, nested, lock>>
    /\ UNCHANGED <<fate, queue, dropped, signal>>

\* A dealloc ends.  The eviction thread goes on with the next, until the floor is reached, and then releases
\* the lock; a timer thread ends.
DeallocEnds(t) ==
    /\ at[t] = "dealloc" /\ ~nested[t] /\ lock = LockInCallback(t)
    /\ fate' = [fate EXCEPT ![has[t]] = "deallocated"]
    /\ IF t = Evictor /\ Len(idle) > Floor
       THEN BeginDealloc(t, Head(idle))
       ELSE /\ at' = [at EXCEPT ![t] = IF t = Evictor THEN "wait" ELSE "ended"]
            /\ has' = [has EXCEPT ![t] = None]
            /\ lock' = None
            /\ UNCHANGED <<idle, nested>>
    /\ UNCHANGED <<queue, dropped, signal>>

\* A dealloc raises.  Nobody catches that: the lock is released, and the thread ends (defect 4).
DeallocFails(t) ==
    /\ at[t] = "dealloc" /\ ~nested[t] /\ lock = LockInCallback(t) /\ DeallocRaises
    /\ fate' = [fate EXCEPT ![has[t]] = "deallocated"]
    /\ at' = [at EXCEPT ![t] = IF t = Evictor THEN AfterRaise ELSE "ended"]
    /\ has' = [has EXCEPT ![t] = None]
    /\ lock' = None
    /\ UNCHANGED <<nested, idle, queue, dropped, signal>>

\* A signal comes when t has just acquired the lock.  If its handler pushes, that push waits for the lock of
\* its own thread (defect 12).  push acquires the lock in Condition.__enter__, which is Python code.  If the
\* handler raises there, the block that would release the lock has not begun: the call ends, and the lock stays
\* held (defect 16).
Interrupt(t) ==
    /\ signal # None /\ t \in Users /\ at[t] \in {"push", "pop", "wait"} /\ Acquires(t)
    /\ signal' = None
    /\ lock' = LockAtSignal(t)
    /\ \/ /\ signal = "pushes"
          /\ nested' = [nested EXCEPT ![t] = TRUE]
          /\ UNCHANGED <<at, has, fate>>
       \/ /\ signal = "raises" /\ at[t] = "push"
          /\ at' = [at EXCEPT ![t] = "out"]
          /\ has' = [has EXCEPT ![t] = None]
          /\ fate' = [fate EXCEPT ![has[t]] = "lost"]
          /\ UNCHANGED nested
    /\ UNCHANGED <<idle, queue, dropped>>

\* The program drops its last reference to the pool.  No call is in progress then, for it would refer to the
\* pool, and none begins any more.
Drop ==
    /\ Drops /\ ~dropped /\ \A t \in Users : at[t] = "out"
    /\ dropped' = TRUE
    /\ UNCHANGED <<at, has, nested, lock, idle, fate, queue, signal>>

\* Something refers to the pool, so that it can't be collected.
Referenced ==
    \/ ~dropped
    \/ EvictorPins /\ at[Evictor] \notin {"none", "ended"}
    \/ \E r \in Resources : at[Timer(r)] \in {"armed", "dealloc"}
    \/ ResourcesPin /\ idle # <<>>

\* The pool is collected, and finalizers deallocate all that is idle.
Collect ==
    /\ ~Referenced /\ idle # <<>>
    /\ idle' = <<>>
    /\ fate' = [r \in Resources |-> IF r \in Range(idle) THEN "deallocated" ELSE fate[r]]
    /\ UNCHANGED <<at, has, nested, lock, queue, dropped, signal>>

\* What a thread does of itself, once it is in a call or has been started.
Step(t) ==
    \/ Push(t) \/ PopIdle(t) \/ PopNothing(t) \/ Sleep(t) \/ TakeAfterWait(t) \/ CheckEnds(t)
    \/ NestedCall(t) \/ Evict(t) \/ DeallocEnds(t) \/ DeallocFails(t)
    \/ \E r \in Resources : Fire(t, r)

Next ==
    \/ \E t \in Users : CallPop(t) \/ CallPush(t) \/ Interrupt(t)
    \/ \E t \in Threads : Step(t)
    \/ Drop
    \/ Collect
    \/ UNCHANGED vars  \* else TLC would call it a deadlock that a run ends

\* Fairness: a thread that can go on does so at some time, and what can be collected is.
Spec == Init /\ [][Next]_vars /\ WF_vars(Collect) /\ \A t \in Threads : WF_vars(Step(t))

-----------------------------------------------------------------------------
(* Properties that 0.1.1 breaks *)

\* No callback runs while the pool holds its lock ...
K1_NoCallbackUnderLock == \A t \in Threads : at[t] \in {"check", "waitCheck", "dealloc"} => lock # t

\* ... so it may call the pool: no callback waits for the lock that its own thread holds.
K1_CallbackMayUsePool == \A t \in Threads : nested[t] /\ at[t] \in {"check", "waitCheck", "dealloc"} => lock # t

\* A signal handler may push: it never waits for the lock that the call it interrupted holds.
K3_HandlerMayPush == \A t \in Threads : nested[t] /\ at[t] \in {"push", "pop", "wait"} => lock # t

\* When the program has dropped the pool, all that is idle gets its dealloc at some time.
L1_DroppedPoolIsDeallocated == dropped ~> idle = <<>>

\* The pool has at most one background thread.
L3_OneBackgroundThread == Cardinality({t \in Background : at[t] \notin {"none", "ended"}}) <= 1

\* At most maxsize and one for each push in progress are idle.
R1_NoOvershoot == MaxSize # None => Len(idle) <= MaxSize + Cardinality({t \in Users : at[t] = "push"})

\* An idle resource that has expired is due while more than minsize are idle, or 0 where it is not given ...
Due == {r \in Range(idle) : at[Timer(r)] = "ended" /\ Len(idle) > (IF MinSize = None THEN 0 ELSE MinSize)}

\* ... and what is due does not stay.
R2_ExpiredAreEvicted == Due # {} ~> Due = {}

\* Nobody takes a resource while somebody waits who came earlier.
P7_NobodyOvertakes ==
    [][\A t \in Users : at[t] \in {"pop", "wait"} /\ at'[t] \in {"check", "waitCheck"}
                        => Turn(t)]_vars

\* Also when a dealloc has raised, what is more than maxsize is evicted at some time.
K2_EvictionGoesOn == Len(idle) > MaxSize ~> Len(idle) <= MaxSize

\* Whoever holds the lock is in a call, or is a background thread that has not ended.
P9_LockIsReleased == lock = None \/ at[lock] \notin {"out", "none", "ended"}

-----------------------------------------------------------------------------
(* Properties that hold: the model is not simply broken *)

TypeOK ==
    /\ at \in [Threads -> Places]
    /\ has \in [Threads -> Resources \cup {None}]
    /\ nested \in [Threads -> BOOLEAN]
    /\ lock \in Threads \cup {None}
    /\ idle \in Seq(Resources)
    /\ fate \in [Resources -> {"new", "pool", "popped", "dead", "deallocated", "lost"}]
    /\ queue \in Seq(Users)
    /\ dropped \in BOOLEAN
    /\ signal \in {None, Signal}

\* A resource that the pool has is idle, or with one thread; another is in neither place.
P9_OnePlace ==
    \A r \in Resources :
        Cardinality({i \in 1..Len(idle) : idle[i] = r}) + Cardinality({t \in Threads : has[t] = r})
        = IF fate[r] = "pool" THEN 1 ELSE 0

\* pop takes the newest.
P1_NewestFirst ==
    [][\A t \in Users : at'[t] \in {"check", "waitCheck"} /\ at[t] \in {"pop", "wait"}
                        => has'[t] = idle[Len(idle)]]_vars

\* Nothing is idle while somebody sleeps.
P8_NoWakeUpIsLost == (\E t \in Users : at[t] = "asleep") => idle = <<>>

\* Who is in a call and not asleep can go on, or else whoever holds the lock can.
NobodyIsStuck == \A t \in Users : at[t] \notin {"out", "asleep"} => ENABLED Step(IF lock = None THEN t ELSE lock)

\* What has been deallocated stays so: no resource gets a second dealloc.
R4_OneDealloc == [][\A r \in Resources : fate[r] = "deallocated" => fate'[r] = "deallocated"]_vars
=============================================================================
