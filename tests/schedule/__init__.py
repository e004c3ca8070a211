"""The pool under a scheduler that decides the order of all steps: see docs/verification.md."""
