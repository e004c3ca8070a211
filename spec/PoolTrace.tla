------------------------------ MODULE PoolTrace ------------------------------
(* Histories of the real pool, recorded by tests/traces: does ResourcePool allow them?

   A history is a sequence of lines, in the order in which the threads stamped them. A line is what a thread sees of the
   pool: its call begins or returns, a callback of it begins or returns. When a history comes to a line, the action of
   ResourcePool that the line stands for is taken. Between lines the pool does what nobody sees, see `Unseen`. A history
   is accepted if there is a way to its end.

   A line also says what its thread comes to, `goal` and `doomed`. That is read off the history's own later lines. It
   only keeps TLC from ways that can't come to the end, and can't make one possible. *)
EXTENDS ResourcePool, TLC

CONSTANTS
  Traces,  \* the histories: a sequence of sequences of lines
  Chosen,  \* the numbers of those that were recorded with the settings that ResourcePool is given here
  Talk,    \* whether to print how far each history comes
  Empty, Closed, Raised,  \* how a pop ends without a resource
  Alloc,   \* the goal of a pop that allocates
  Asked,   \* an alloc has been called
  Alive, Dead  \* what a check says

VARIABLES
  trace, line,  \* which history, and which of its lines comes next
  answer,       \* how the call of each thread has to end, once that is decided
  goal,         \* what its pop finds or comes to next
  doomed        \* what its call has yet to deallocate

Stays == UNCHANGED vars
Answer(t, x) == answer' = [answer EXCEPT ![t] = x]
Goal(t, x) == goal' = [goal EXCEPT ![t] = x]
Doomed(t, x) == doomed' = [doomed EXCEPT ![t] = x]

TraceInit ==
  /\ Init
  /\ trace \in Chosen
  /\ line = 1
  /\ answer = [t \in Threads |-> None]
  /\ goal = [t \in Threads |-> None]
  /\ doomed = [t \in Threads |-> <<>>]

\* ---- lines ----

\* These tell the pool something. It need do nothing before, and what they allow can wait.
Telling == {"pop", "push", "close", "checked", "alloced", "dealloced"}

Tell(l) ==
  LET t == l.by
      x == l.what
  IN CASE l.do = "pop" ->
            answer[t] = None /\ CallPop(t, x) /\ Goal(t, l.goal) /\ Doomed(t, l.doomed) /\ UNCHANGED answer
       [] l.do = "push" -> answer[t] = None /\ CallPush(t, x) /\ Doomed(t, l.doomed) /\ UNCHANGED <<answer, goal>>
       [] l.do = "close" -> answer[t] = None /\ CallClose(t) /\ Doomed(t, l.doomed) /\ UNCHANGED <<answer, goal>>
       [] l.do = "checked" ->
            /\ at[t] = "checking"
            /\ answer[t] = None
            /\ CASE x = Alive -> Stays /\ Answer(t, Alive) /\ UNCHANGED goal
                 [] x = Raised -> CheckRaises(t) /\ Answer(t, Raised) /\ UNCHANGED goal
                 [] x = Dead -> DropDead(t) /\ Goal(t, l.goal) /\ UNCHANGED answer
            /\ UNCHANGED doomed
       [] l.do = "alloced" -> answer[t] = Asked /\ Stays /\ Answer(t, x) /\ UNCHANGED <<goal, doomed>>
       [] l.do = "dealloced" ->
            /\ t \in busy
            /\ Head(victims[t]) = x
            /\ ReturnDealloc(t)
            /\ Doomed(t, Tail(doomed[t]))
            /\ UNCHANGED <<answer, goal>>

\* These show what the pool has done.
Show(l) ==
  LET t == l.by
      x == l.what
  IN CASE l.do = "popped" ->
            /\ \/ ReturnPop(t) /\ hand[t].res = x /\ (HasCheck => answer[t] = Alive)
               \/ answer[t] = x /\ ReturnAlloc(t, x)
            /\ Answer(t, None) /\ UNCHANGED <<goal, doomed>>
       [] l.do = "raised" ->
            /\ answer[t] = x
            /\ IF at[t] = "out" THEN Stays ELSE IF at[t] = "working" THEN Return(t) ELSE AllocRaises(t)
            /\ Answer(t, None) /\ UNCHANGED <<goal, doomed>>
       [] l.do = "pushed" -> at[t] = "pushed" /\ Return(t) /\ UNCHANGED <<answer, goal, doomed>>
       [] l.do = "closed" -> answer[t] = None /\ at[t] = "working" /\ Return(t) /\ UNCHANGED <<answer, goal, doomed>>
       [] l.do = "check" -> hand[t] # None /\ hand[t].res = x /\ CallCheck(t) /\ UNCHANGED <<answer, goal, doomed>>
       [] l.do = "alloc" ->
            at[t] = "allocating" /\ answer[t] = None /\ Stays /\ Answer(t, Asked) /\ UNCHANGED <<goal, doomed>>
       [] l.do = "dealloc" ->
            victims[t] # <<>> /\ Head(victims[t]) = x /\ CallDealloc(t) /\ UNCHANGED <<answer, goal, doomed>>
       [] l.do = "queued" -> Len(queue) >= x /\ Stays /\ UNCHANGED <<answer, goal, doomed>>

\* ---- what nobody sees ----

\* That nothing is idle is decided by the pop that finds it so. As that concerns nobody else, it can be done at once, and
\* who has to give up can do so at once: it takes no more, and holds up nobody.
Decides(t) ==
  /\ doomed[t] = <<>>
  /\ \/ /\ at[t] = "popping" /\ missed[t] /\ ~closed
        /\ goal[t] \in {Empty, Alloc}
        /\ t \notin unsettled
     \/ at[t] = "waiting" /\ timeout[t] = "timed" /\ goal[t] = Empty

Decide(t) ==
  IF goal[t] = Alloc THEN CallAlloc(t) /\ UNCHANGED answer
  ELSE \/ RaiseEmpty(t) /\ Answer(t, Empty)
       \/ Enqueue(t) /\ UNCHANGED answer
       \/ TimeOut(t) /\ Answer(t, Empty)

\* What t evicts next is what it will deallocate.
Evicting(t) == Len(victims[t]) < Len(doomed[t])
EvictsNext(t) == Evicting(t) /\ idle # <<>> /\ Head(idle).res = doomed[t][Len(victims[t]) + 1]

\* There is something to do for it, or to leave to it.
Useful(t) ==
  \/ Evicting(t)
  \/ idle # <<>> /\ (queue # <<>> \/ closed)
  \/ MaxSize # None /\ Len(idle) > MaxSize

Unseen(l) ==
  \E t \in Threads :
    \/ /\ UNCHANGED answer
       /\ \/ idle # <<>> /\ Last(idle).res = goal[t] /\ Take(t)
          \/ Enqueue(t)
          \/ Useful(t) /\ Look(t)
          \/ PutIdle(t)
          \/ Close(t)
          \/ /\ t \in unsettled
             /\ \/ idle # <<>> /\ queue # <<>> /\ Last(idle).res = goal[Head(queue)] /\ Serve(t)
                \/ Overflow(t)
                \/ EvictsNext(t) /\ (Evict(t) \/ EvictClosed(t))
                \/ EndEviction(t)
                \/ l.by = t /\ (Settle(t) \/ Leave(t))
    \/ goal[t] = Empty /\ TimeOut(t) /\ Answer(t, Empty)
    \/ goal[t] = Closed /\ WakeClosed(t) /\ Answer(t, Closed)
    \/ goal[t] = Closed /\ l.by = t /\ RaiseClosed(t) /\ Answer(t, Closed)

\* Who deallocates on its way to a resource may take that before, and not meanwhile.
CanWait(l) == l.do = "dealloc" /\ at[l.by] = "popping"

Step(l) ==
  LET deciding == {t \in Threads : Decides(t)}
      shown == Show(l) /\ line' = line + 1
      unseen == UNCHANGED <<line, goal, doomed>>
  IN  IF l.do \in Telling THEN Tell(l) /\ line' = line + 1
      ELSE IF deciding # {} THEN unseen /\ Decide(CHOOSE t \in deciding : TRUE)
      ELSE IF ~CanWait(l) /\ ENABLED (Show(l) /\ UNCHANGED <<trace, line>>) THEN shown
      ELSE \/ CanWait(l) /\ shown
           \/ unseen /\ Unseen(l)

TraceNext ==
  /\ line <= Len(Traces[trace])
  /\ Step(Traces[trace][line])
  /\ UNCHANGED trace
  /\ line' > Len(Traces[trace]) => PrintT(<<"ACCEPT", trace>>)
  /\ Talk => PrintT(<<"REACHED", trace, line, [i \in DOMAIN idle |-> idle[i].res], queue>>)
=============================================================================
