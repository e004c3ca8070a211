------------------------ MODULE MCResourcePoolThreads ------------------------
(* Small instances of the algorithm, see MCResourcePool. *)
EXTENDS ResourcePoolThreads, TLC

CONSTANTS t1, t2, t3, h1, r1, r2, r3, r4

Empty == <<>>
OneIdle == <<r1>>
TwoIdle == <<r1, r2>>
TheSecondIdle == <<r2>>
TheThirdIdle == <<r3>>

\* The handler runs in the first thread.
Owners == [f \in Frames |-> IF f \in Handlers THEN t1 ELSE f]

Nothing == [f \in Frames |-> {}]
OneEach == [f \in Frames |-> IF f = t1 THEN {r1} ELSE IF f = t2 THEN {r2} ELSE IF f = t3 THEN {r3} ELSE {}]
OneOfTheFirst == [f \in Frames |-> IF f = t1 THEN {r1} ELSE {}]
OfBoth == [f \in Frames |-> IF f = h1 THEN {r1} ELSE IF f = t1 THEN {r2} ELSE {}]
TwoOfTheFirst == [f \in Frames |-> IF f = t1 THEN {r1, r2} ELSE {}]
OfTheHandler == [f \in Frames |-> IF f = h1 THEN {r1} ELSE {}]
TwoOfTheHandler == [f \in Frames |-> IF f = h1 THEN {r1, r2} ELSE {}]

ThreadsAlike == Permutations(Threads)
TheOthersAlike == Permutations(Threads \ {t1})
ResourcesAlike == Permutations(Resources)

\* A pop that leaves the queue, and to which one more exception comes then, leaves a waiter of no use behind, for the next
\* who tends. Any number of these can come behind one who waits.
FewAreOfNoUse == Len(waiters) <= Cardinality(Threads)

\* The waiters are many enough without exceptions of their own.
OnlyTheHandlerIsInterrupted == \A f \in Threads : ~raising[f]

\* What is left then has a model of its own.
NothingIsGone == gone = {}

\* The second thread takes, and gives nothing back.
TheSecondKeepsIt == owned[t2] = {} /\ NothingIsGone

\* In the place of `NothingMore`.
DoesNotLook(f) == TRUE

\* Witnesses, see MCResourcePool.
NeverServedWhileTimingOut == ~\E f \in Frames : step[f] = "quit" /\ pc[f] = "_quit" /\ ~raising[f] /\ box[f] # None
NeverRescuedByTheLastLook == \A f \in Frames : pc[f] = "_hold_limit" /\ waiters # <<>> => len[f] <= limit
NeverTakenFromUnder == \A f \in Frames : pc[f] = "serve_move" => idle # <<>>
NeverPutBack == \A f \in Frames : pc[f] # "_evict_back"
NeverClosedWithABox == ~(closed /\ \E f \in Frames : pc[f] = "wait" /\ box[f] # None)
NeverLeftToTheHolder == ~unsettled
NeverLeftToAnotherThread == \A f \in Frames : pc[f] = "_hold_acquire" /\ step[f] \in OnlyTends => lock = None
NeverInterruptedWithABox == \A f \in Frames : pc[f] = "abandon" => box[f] = None
NeverBarredTooLate == \A f \in Frames : pc[f] = "pop_pop" => ~barred
NeverGivesUp == \A f \in Frames : pc[f] # "take_expel"

\* What of a frame still matters: TLC need not tell apart states that differ in nothing else. What has been left from an
\* earlier call, and is set before it is read, does not.
GoesBack == Evicting \cup {"_tend", "_tend_serve", "serve_idle", "serve_move", "wake", "wake_remove", "_tend_evict",
                          "_tend_now", "_tend_open",
                          "_tend_limit", "take_now", "take_expel", "_bar_limit", "_bar_since", "_bar_barred",
                          "_arm_len", "_arm_oldest", "_arm_since", "_arm_timer", "_arm_limit", "_arm_nothing"}
NotYetSlow == {"out", "pop_now", "pop_since", "pop_return", "pop_barred", "pop_pop", "_pop"}
Matters(f) ==
  <<pc[f], owned[f], victims[f], hand[f], timeout[f], len[f], read[f],
    IF timeout[f] = None THEN "none" ELSE raising[f],
    IF timeout[f] = None \/ pc[f] \in NotYetSlow THEN "none" ELSE <<box[f], latch[f], over[f]>>,
    IF pc[f] \in NotYetSlow \cup {"push_append", "push_len", "push_limit", "push_since", "push_return", "wait"} THEN "none" ELSE step[f],
    IF pc[f] \in Evicting THEN keep[f] ELSE 0,
    IF pc[f] \in GoesBack THEN back[f] ELSE "none">>
View == <<time, since, armed, idle, limit, barred, closed, unsettled, waiters, lock, gone, [f \in Frames |-> Matters(f)]>>
=============================================================================
