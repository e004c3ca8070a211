"""Benchmarks: what the pool costs, next to its old version and to other pools."""
