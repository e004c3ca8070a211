----------------------------- MODULE MCSchedule -----------------------------
(* Threads that each follow a program: the algorithm in a scenario of tests/schedule. tests/schedule/model.py makes the
   instances, and compares their steps with those of the code. *)
EXTENDS ResourcePoolThreads

CONSTANTS
  Program,  \* what each frame calls, in this order: how it pops, "push", "new" or "close"
  New       \* what each frame makes to push it, in this order

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
IsOver(f) == pc[f] \in {"pop_return", "push_return"} \/ (pc[f] = "deallocate" /\ victims[f] = <<>> /\ timeout[f] = None)

Begins(f) == pc[f] = "out" /\ pc'[f] # "out"

ScheduleInit ==
  /\ Init
  /\ begun = [f \in Frames |-> 0]
  /\ made = [f \in Frames |-> 0]

ScheduleNext ==
  /\ Next
  /\ \A f \in Frames : Begins(f) => Follows(f) /\ (f \in Handlers => ~IsOver(Owner[f]))
  /\ begun' = [f \in Frames |-> IF Begins(f) THEN begun[f] + 1 ELSE begun[f]]
  /\ made' = [f \in Frames |-> IF Begins(f) /\ MakesNew(f, Program[f][begun[f] + 1]) THEN made[f] + 1 ELSE made[f]]

Schedule == ScheduleInit /\ [][ScheduleNext]_<<vars, begun, made>>

=============================================================================
