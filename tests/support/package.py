"""Private copies of the package, which may be changed: the one that other tests import stays as it is."""

from __future__ import annotations

import ast
import importlib.util
import linecache
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from itertools import count
from pathlib import Path
from types import ModuleType

import ya.resourcepool
from tests.support import inside
from tests.support.edits import Edit, apply

FOLDER = Path(ya.resourcepool.__file__).parent

_numbers = count(1)
_sources: dict[str, str] = {}  # of all files that were loaded


def load(edits: Sequence[Edit] = ()) -> ModuleType:
    """Import the package once more under another name, with these changes.

    Raises:
        ValueError: a function that is to be changed, or what is to be changed in it, is not there exactly once.
    """
    name = f"controlled_resourcepool_{next(_numbers)}"
    folder = Path(tempfile.mkdtemp())
    try:
        if edits:
            for path in FOLDER.glob("*.py"):
                shutil.copy(path, folder)
            for module in {edit.function.module for edit in edits}:
                _change(folder / f"{module}.py", [edit for edit in edits if edit.function.module == module])
        place = folder if edits else FOLDER
        spec = importlib.util.spec_from_file_location(
            name, place / "__init__.py", submodule_search_locations=[str(place)]
        )
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[name] = package
        spec.loader.exec_module(package)
        inside.module(inside.MANUAL_PY, package)  # the package itself imports it when it is asked for
        for path in place.glob("*.py"):
            _sources[str(path)] = "".join(linecache.getlines(str(path)))  # which traces show
    finally:
        shutil.rmtree(folder)
    # So that no pool is the first of this process: that would register what closes them all, when no scheduler runs.
    inside.put(inside.PROCESS, os.getpid(), package)
    return package


def _change(path: Path, edits: Sequence[Edit]) -> None:
    if not path.is_file():
        raise ValueError(f"there is no {path.name}")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for edit in edits:
        apply(tree, edit)
    path.write_text(ast.unparse(tree) + "\n", encoding="utf-8")


@cache
def tree(file: str) -> ast.Module:
    """What a file of the package, or of a private copy, consists of."""
    return ast.parse(_sources.get(file) or Path(file).read_text(encoding="utf-8"))
