"""The graph of the specification, taken edge by edge on the pool: see docs/verification.md."""
