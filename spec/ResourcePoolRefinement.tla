------------------------ MODULE ResourcePoolRefinement ------------------------
(* That the algorithm keeps the contract: each of its steps is one that ResourcePool allows, or changes nothing there.

   Below stands, for each variable of the contract, what it is in a state of the algorithm; `Contract` is ResourcePool with
   these in place of its variables. TLC checks that all that the algorithm can do is a behaviour of `Contract!Spec`. So
   it keeps each promise that ResourcePool has been shown to keep.

   A step of the contract happens where the algorithm can't go back any more:

     Enqueue    the waiter is in the queue, and the bar is down
     Take       the resource has left the deque, for a pop's hand or box
     Serve      it is in the box of a waiter
     TimeOut    the waiter has left the queue, under the lock
     Evict      the victim was not one too many
     Settle     the call has found no more idle than the limit
     Leave      it has found the lock taken, and does not wait *)
EXTENDS ResourcePoolThreads

\* What the algorithm doesn't remember, and a promise is about.
VARIABLES
  came,           \* who has queued in its present pop, in order of arrival; not who gives up, and has the lock
  closing,        \* whose call is `close`
  left, missed, ahead, due, late, tardy  \* see ResourcePool

history == <<came, closing, left, missed, ahead, due, late, tardy>>

Callers == Frames \ {Clock}

Queue == SelectSeq(waiters, LAMBDA f : f # None /\ f \in Range(came) /\ box[f] = None)

\* A resource that has been taken from the left, but may be put back.
Undecided == {f \in Frames : pc[f] \in {"_evict_check", "_evict_back"}}
Idle == (IF Undecided = {} THEN <<>> ELSE <<Last(victims[CHOOSE f \in Undecided : TRUE])>>) \o idle
Victims == [f \in Frames |-> IF f \in Undecided THEN Front(victims[f]) ELSE victims[f]]


HasYetToShut(f) ==
  /\ step[f] = "shut"
  /\ \/ pc[f] \in {"_look", "_look_waiters", "_hold_acquire", "_hold_idle", "_hold_step", "_shut"}
     \/ back[f] \in {"_hold_step", "_shut"}

Where(f) ==
  IF timeout[f] # None
  THEN CASE box[f] # None \/ hand[f] # None -> "found"
         [] box[f] = None /\ hand[f] = None /\ f \in Range(Queue) -> "waiting"
         [] box[f] = None /\ hand[f] = None /\ f \notin Range(Queue) ->
              IF f \in Range(came) \/ over[f] THEN "working" ELSE "popping"
  ELSE CASE pc[f] = "out" -> "out"
         [] pc[f] = "push_append" -> "pushing"
         [] pc[f] \notin {"out", "push_append"} ->
              IF f \notin closing THEN "pushed" ELSE IF HasYetToShut(f) THEN "closing" ELSE "working"

Unsettled(f) ==
  \/ pc[f] \in {"push_len", "push_limit", "push_since", "left"} \cup Evicting
  \/ pc[f] \in {"_look", "_look_waiters", "_hold_acquire"} /\ step[f] \in {"none", "disarm", "anew"}
  \/ Settles(f)

Min(a, b) == IF a < b THEN a ELSE b
Entry(e) == [res |-> e.res, age |-> IF MaxAge = None THEN 0 ELSE Min(time - e.stamp, MaxAge)]
Hand(f) == IF hand[f] # None THEN Entry(hand[f]) ELSE IF box[f] # None THEN Entry(box[f]) ELSE None

Contract == INSTANCE ResourcePool WITH
  Threads <- Callers, Held <- [f \in Callers |-> Held[f]], HasAlloc <- FALSE, HasCheck <- FALSE, Nested <- {}, HeldUp <- TRUE,
  idle <- [i \in DOMAIN Idle |-> Entry(Idle[i])],
  queue <- Queue,
  arrived <- SelectSeq(came, LAMBDA f : Where(f) \in {"waiting", "found"}),
  at <- [f \in Frames |-> Where(f)],
  timeout <- [f \in Callers |-> IF Where(f) \in {"popping", "waiting", "found"} THEN timeout[f] ELSE None],
  hand <- [f \in Frames |-> Hand(f)],
  victims <- [f \in Frames |-> [i \in DOMAIN Victims[f] |-> Victims[f][i].res]],
  owned <- [f \in Callers |-> owned[f]],
  keep <- [f \in Frames |-> IF pc[f] \in Evicting /\ ~closed /\ read[f] = None THEN keep[f] ELSE None],
  unsettled <- {f \in Frames : Unsettled(f)},
  busy <- {f \in Frames : pc[f] = "dealloc"},
  unmade <- {}, dead <- {}

RInit ==
  /\ Init
  /\ came = <<>> /\ closing = {}
  /\ missed = [f \in Callers |-> FALSE] /\ late = [f \in Callers |-> FALSE]
  /\ ahead = [f \in Callers |-> {}] /\ due = [f \in Callers |-> {}] /\ tardy = {}
  /\ left = [f \in Frames |-> 0]

\* With this step it is certain that nobody is just filling its box.
HasGivenUp(f) == over[f] /\ box[f] = None /\ pc[f] = "_hold_idle" /\ pc'[f] # "_hold_idle"

\* Whoever finds the lock taken leaves it to the frame that has it; so does the thread of a handler, which has left it to
\* that, and is counted as long as somebody has yet to look.
Leaves(f) == (pc[f] = "_hold_acquire" /\ pc'[f] = "deallocate") \/ (pc[f] = "left" /\ pc'[f] = "push_return")
To(f) == LET others == {g \in Frames \ {f} : Settles(g)}
             holders == {g \in others : HasTheLock(g)}
         IN  CASE holders # {} -> CHOOSE g \in holders : TRUE
               [] holders = {} /\ others # {} -> CHOOSE g \in others : TRUE
               [] others = {} -> None
LeftTo(f, g) ==
  LET more == left[g] + left[f] + (IF f \in Contract!MayExceed THEN 1 ELSE 0)
  IN  [left EXCEPT ![f] = 0, ![g] = Min(more, Cardinality(Resources))]

RNext ==
  /\ Next
  /\ left' = LET leaving == {f \in Frames : MaxSize # None /\ Leaves(f) /\ To(f) # None}
             IN  IF leaving = {} THEN [f \in Frames |-> IF Unsettled(f)' THEN left[f] ELSE 0]
                 ELSE LET f == CHOOSE f \in leaving : TRUE IN LeftTo(f, To(f))
  /\ came' = SelectSeq(came, LAMBDA f : timeout'[f] # None /\ ~HasGivenUp(f))
             \o (IF Len(waiters') > Len(waiters) THEN <<Last(waiters')>> ELSE <<>>)
  /\ closing' = {f \in Frames : pc'[f] # "out" /\ (f \in closing \/ (pc[f] = "out" /\ pc'[f] = "_look"))}
  /\ missed' = [f \in Callers |-> Where(f)' = "popping" /\ (missed[f] \/ Idle' = <<>>)]
  /\ ahead' = [f \in Callers |-> IF Where(f)' # "popping" THEN {}
                                ELSE Range(Queue') \cap (IF Where(f) = "out" THEN Range(Queue) ELSE ahead[f])]
  /\ due' = [f \in Callers |-> IF Where(f)' \notin {"popping", "waiting"} THEN {}
                              ELSE IF Where(f) = "out" THEN Contract!DueNow ELSE due[f]]
  /\ late' = [f \in Callers |-> Where(f)' = "popping" /\ IF Where(f) = "popping" THEN late[f] ELSE closed]
  /\ tardy' = {r \in Contract!Res(Idle') :
                 \/ r \in tardy
                 \/ \E f \in Callers : pc[f] = "push_append" /\ hand[f].res = r /\ Hand(f).age > 0}

RSpec == RInit /\ [][RNext]_<<vars, history>>

\* The same as Contract!Spec. Most steps change nothing there, which is quickly seen.
KeepsTheContract == Contract!Init /\ [][UNCHANGED Contract!vars \/ Contract!Next]_(Contract!vars)
=============================================================================
