"""Small faults in the pool's code, one at a time, and the tests that notice: see docs/code-mutants.md."""
