----------------------------- MODULE MCSchedule -----------------------------
(* Threads that each follow a program: the algorithm in a scenario of tests/schedule. tests/schedule/model.py makes the
   instances, and compares their steps with those of the code. *)
EXTENDS ResourcePoolThreads

CONSTANTS
  Program,  \* what each frame calls, in this order: how it pops, "push", "new" or "close"; or "tick": time moves on
  New,      \* what each frame makes to push it, in this order
  Ticks     \* by how much it moves

VARIABLES begun, made  \* how many calls, and how many of New, by frame

NotYetMade(f) == {New[f][i] : i \in made[f] + 1 .. Len(New[f])}

\* A push is of what it has popped, else of something new.
MakesNew(f, operation) == operation = "new" \/ (operation = "push" /\ owned[f] = NotYetMade(f))

\* What a call that begins now must be.
Follows(f) ==
  /\ begun[f] < Len(Program[f])
  /\ LET operation == Program[f][begun[f] + 1]
     IN  CASE operation = "close" -> pc'[f] = "_look"
           [] operation \in {"push", "new"} ->
                /\ hand'[f] # None
                /\ IF MakesNew(f, operation) THEN hand'[f].res = New[f][made[f] + 1]
                                             ELSE hand'[f].res \notin NotYetMade(f)
           [] OTHER -> timeout'[f] = operation

\* From its last step on what is shared a call returns at once. What follows here is nobody's to see, so no handler
\* comes then.
IsOver(f) == pc[f] \in {"out", "pop_return", "push_return"} \/ (pc[f] = "deallocate" /\ victims[f] = <<>> /\ timeout[f] = None)

Begins(f) == pc[f] = "out" /\ pc'[f] # "out"

ScheduleInit ==
  /\ Init
  /\ begun = [f \in Frames |-> 0]
  /\ made = [f \in Frames |-> 0]

tick(f) ==
  /\ At(f, "out")
  /\ begun[f] < Len(Program[f])
  /\ Program[f][begun[f] + 1] = "tick"
  /\ time' = time + Ticks
  /\ begun' = [begun EXCEPT ![f] = @ + 1]
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, pc, step, keep, len, back,
                 timeout, raising, hand, victims, owned, gone, since, armed, read, made>>

\* The clock calls when the schedule says, and moves its time to when that is due.
rings ==
  /\ At(Clock, "out")
  /\ armed # None
  /\ time' = IF time > armed + MaxAge THEN time ELSE armed + MaxAge
  /\ step' = [step EXCEPT ![Clock] = "disarm"]
  /\ Goto(Clock, "_look")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, since, armed, read, begun, made>>

\* To close what is closed; the model of the algorithm leaves that out.
closes(f) ==
  /\ closed
  /\ At(f, "out")
  /\ step' = [step EXCEPT ![f] = "shut"]
  /\ Goto(f, "_look")
  /\ UNCHANGED <<idle, limit, barred, closed, unsettled, waiters, lock, box, latch, over, keep, len, back, timeout,
                 raising, hand, victims, owned, gone, aged>>

calls ==
  /\ Next \/ \E f \in Threads : closes(f)
  /\ time' = time /\ ~Begins(Clock)
  /\ \A f \in Frames : Begins(f) => Follows(f) /\ (f \in Handlers => ~IsOver(Owner[f]))
  /\ begun' = [f \in Frames |-> IF Begins(f) THEN begun[f] + 1 ELSE begun[f]]
  /\ made' = [f \in Frames |-> IF Begins(f) /\ MakesNew(f, Program[f][begun[f] + 1]) THEN made[f] + 1 ELSE made[f]]

ScheduleNext == calls \/ rings \/ \E f \in Threads : tick(f)

Schedule == ScheduleInit /\ [][ScheduleNext]_<<vars, begun, made>>

=============================================================================
