---------------------- MODULE MCResourcePoolRefinement ----------------------
(* Small instances of the refinement, see MCResourcePoolThreads. *)
EXTENDS ResourcePoolRefinement, MCResourcePoolThreads
RView == <<View, history>>

\* A witness, see MCResourcePool.
NeverPassesTheTardy ==
  (\E f \in Threads : pc[f] = "pop_now") /\ ~IsDue(time, since) =>
    \A e \in Range(idle) : e.res \in tardy => ~IsDue(time, e.stamp)
=============================================================================
