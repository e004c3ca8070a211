"""Load: many threads for a long time, and real resources that die under it."""
