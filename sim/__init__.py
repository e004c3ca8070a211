"""A simulator that sizes pools: how large, how long?

`python -m sim workload.json` replays a recorded load through the real pool on a virtual clock, for each of
several settings, and recommends one. `record` records such a load in a running program.

The data flows one way: workload (what the file says) -> source, trace, synthetic -> load (who asks when, and for
how long) -> replay (one setting), onepass (many), hits (those only) -> figures -> rows, choice -> study (all of it) ->
report, plots, page (what is shown).
"""

from sim.recorder import Recorder, record

__all__ = ["Recorder", "record"]
