---------------------- MODULE MCResourcePoolRefinement ----------------------
(* Small instances of the refinement, see MCResourcePoolThreads. *)
EXTENDS ResourcePoolRefinement, MCResourcePoolThreads
RView == <<View, history>>
=============================================================================
