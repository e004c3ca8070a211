--------------------------- MODULE MCResourcePool ---------------------------
(* Small instances of the contract. The .cfg files name what they take from here; TLC can't read sequences and
   pairs there. *)
EXTENDS ResourcePool, TLC

CONSTANTS t1, t2, t3, r1, r2, r3, r4

Empty == <<>>
OneIdle == <<r1>>
TwoIdle == <<r1, r2>>
ThreeIdle == <<r1, r2, r3>>
FourIdle == <<r1, r2, r3, r4>>

Nothing == [t \in Threads |-> {}]
TheSecondHasOne == [t \in Threads |-> IF t = t2 THEN {r1} ELSE {}]
TheLastHasOne == [t \in Threads |-> IF t = t3 THEN {r1} ELSE {}]
TheLastHasTheSecond == [t \in Threads |-> IF t = t3 THEN {r2} ELSE {}]
TheLastHasTwo == [t \in Threads |-> IF t = t3 THEN {r1, r2} ELSE {}]

NoNesting == {}
T2InT1 == {<<t2, t1>>}

\* Threads are alike, and so are resources that nobody has made yet.
ThreadsAlike == Permutations(Threads)
TheOthersAlike == Permutations(Threads \ {t3})
AllAlike == Permutations(Threads) \cup Permutations(Resources)

\* Witnesses: what each says never happens does happen, as TLC has to show. So no property holds for want of cases.
NeverExpiredAndKept == \A e \in Range(idle) : Expired(e) => e.res \in Due(idle)  \* R2: the floor keeps it
NeverServedInADealloc == \A t \in Threads : at[t] = "found" => t \notin busy
NeverOverAndWaiting == ~(MaxSize # None /\ Len(idle) > MaxSize /\ \E t \in All : keep[t] # None)
NeverClosedUnderACandidate == ~(closed /\ \E t \in Threads : at[t] = "found")
NeverTwoDeallocs == Cardinality(busy) < 2
NeverWithinACallback == \A p \in Nested : at[p[1]] = "out"
NeverDropped == ~\E t \in Threads : at[t] = "waiting" /\ dead # {}
NeverChecked == ~(HasCheck /\ \E t \in Threads : owned[t] # {})
NeverCheckRaises == [][~\E t \in Threads : at[t] = "checking" /\ at'[t] = "working"]_vars
NeverAllocated == ~(HasAlloc /\ \E t \in Threads : owned[t] # {})
NeverAllocRaises == [][~\E t \in Threads : at[t] = "allocating" /\ at'[t] = "out" /\ owned'[t] = owned[t]]_vars
OldestIsDue(t) == Head(idle).res \in due[t] \cap Due(idle)
NeverTakenFromAboveWhatIsDue == [][~\E t \in Threads : Takes(t) /\ OldestIsDue(t)]_vars
NeverServedFromAboveWhatIsDue == [][~\E t \in Threads : IsServed(t) /\ OldestIsDue(t)]_vars
NeverOnTopOfAnOlder == \A i \in 1..(Len(idle) - 1) : idle[i].age >= idle[i + 1].age
=============================================================================
