"""What a TLC configuration asks to check, and configurations that ask for less."""

from __future__ import annotations

import re

INVARIANT = {"INVARIANT", "INVARIANTS"}
PROPERTY = {"PROPERTY", "PROPERTIES"}
OTHER = set(
    "ACTION_CONSTRAINT ACTION_CONSTRAINTS ALIAS CHECK_DEADLOCK CONSTANT CONSTANTS CONSTRAINT CONSTRAINTS INIT NEXT "
    "POSTCONDITION SPECIFICATION SYMMETRY TYPE TYPE_CONSTRAINT VIEW".split()
)
WORD = re.compile(r'\\\*[^\n]*|\(\*.*?\*\)|"[^"\n]*"|[\w!]+|\S', re.DOTALL)  # or a comment, or a string


def checked(text: str) -> tuple[list[str], list[str]]:
    """The names of the invariants and of the properties that a configuration names, in its order."""
    invariants: list[str] = []
    properties: list[str] = []
    for section, name, _ in _names(text):
        (invariants if section in INVARIANT else properties).append(name)
    return invariants, properties


def only(text: str, name: str) -> str:
    """The configuration with this property alone, and no invariant."""
    # TLC takes a keyword that nothing follows, so the keywords may stay.
    for section, found, at in reversed(_names(text)):
        if section not in PROPERTY or found != name:
            text = text[:at] + text[at + len(found) :]
    return text


def values(text: str, keyword: str) -> list[str]:
    """The words that follow a keyword."""
    return [name for section, name, _ in _words(text) if section == keyword]


def left(text: str, *keywords: str) -> str:
    """The configuration without these keywords, and what follows them."""
    for section, name, at in reversed(_words(text)):
        if section in keywords:
            text = text[:at] + text[at + len(name) :]
    return re.sub(rf"(?m)^ *({'|'.join(keywords)})\b", "", text)


def _names(text: str) -> list[tuple[str, str, int]]:
    """The keyword, name and place of each invariant and property."""
    return [found for found in _words(text) if found[0] in INVARIANT | PROPERTY]


def _words(text: str) -> list[tuple[str, str, int]]:
    """The keyword, text and place of each word that follows one."""
    found: list[tuple[str, str, int]] = []
    section = ""
    for word in WORD.finditer(text):
        if word[0] in INVARIANT | PROPERTY | OTHER:
            section = word[0]
        elif section and re.fullmatch(r"[\w!]+", word[0]):
            found.append((section, word[0], word.start()))
    return found
