"""The specification in TLA+, and the command that checks it with TLC: `python -m spec`."""
