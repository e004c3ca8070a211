"""TOML files whose tables have known keys."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Any

from spec.errors import SpecError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KINDS = {str: "a string", int: "a number >= 0", bool: "true or false", list: "an array"}

Keys = dict[str, type]


def read_tables(path: Path, *names: str) -> dict[str, list[dict[str, Any]]]:
    """Read the tables `[[name]]` of a file, which holds nothing else, by name.

    Raises:
        SpecError: it can't be read, is not TOML, or holds something else.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(f"{path} can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path} is not valid TOML: {error}") from None
    for key, tables in content.items():
        if key not in names or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            expected = " and ".join(f"[[{name}]]" for name in names)
            raise SpecError(f"{path} must consist of tables {expected}; there is {key!r}")
    return {name: content.get(name, []) for name in names}


def check_keys(where: str, table: dict[str, Any], required: Keys, optional: Keys) -> None:
    """Check that a table has all required keys and no unknown ones, and what kind of value they have.

    Raises:
        SpecError: it has not.
    """
    known = {**required, **optional}
    for key, value in table.items():
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise SpecError(f"{where}: unknown key {key!r}; {hint}")
        if type(value) is not known[key] or (type(value) is int and value < 0):
            raise SpecError(f"{where}: {key} is {value!r}; expected {KINDS[known[key]]}")
    for key in required:
        if key not in table:
            raise SpecError(f"{where}: the key {key!r} is missing")
