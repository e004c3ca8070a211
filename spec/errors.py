"""What the user has to mend."""

from __future__ import annotations


class SpecError(Exception):
    """A tool, a file or a setting is missing or wrong. The message is for the user, on one line."""
