---------------------- MODULE MCResourcePoolRefinement ----------------------
(* Small instances of the refinement, see MCResourcePoolThreads. *)
EXTENDS ResourcePoolRefinement, MCResourcePoolThreads
RView == <<View, history>>

\* Witnesses, see MCResourcePool. Of the first: more are idle than `maxsize` and one for each push, as one that has returned
\* has left its work to another thread.
NeverMoreThanForThePushes == MaxSize # None => Len(Idle) <= MaxSize + Cardinality(Contract!MayExceed)
NeverPassesTheTardy ==
  (\E f \in Threads : pc[f] = "pop_now") /\ ~IsDue(time, since) =>
    \A e \in Range(idle) : e.res \in tardy => ~IsDue(time, e.stamp)
=============================================================================
