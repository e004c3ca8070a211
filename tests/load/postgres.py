"""A PostgreSQL server of the test's own, with a directory of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.helpers import PATIENCE

SETTINGS = ("listen_addresses=", "fsync=off", "shared_buffers=16MB", "max_connections=40", "autovacuum=off")
READY = "database system is ready to accept connections"


DEBIAN = Path("/usr/lib/postgresql")  # has a folder for each version


def find_programs() -> Path | None:
    """Where `initdb` and `postgres` are that the server's user can run: on the path, or in Debian's newest package."""
    return next(filter(_can_be_run, _folders()), None)


def why_not() -> str:
    """Why there are none."""
    there = [str(folder) for folder in _folders() if _has_programs(folder)]
    if not there:
        return "PostgreSQL is not installed: apt-get install postgresql"
    return f"PostgreSQL is in {' and '.join(there)}, where the user that its server needs may not run it"


def _folders() -> list[Path]:
    on_the_path = [Path(folder) for folder in os.get_exec_path() if os.path.isabs(folder)]
    versions = sorted(DEBIAN.glob("*/bin"), key=lambda path: -float(path.parent.name))
    return list(dict.fromkeys([*on_the_path, *versions]))


def _has_programs(folder: Path) -> bool:
    return os.path.exists(folder / "initdb")  # not `Path.exists`, which raises where this user may not enter a folder


def _can_be_run(folder: Path) -> bool:
    """Whether that user may enter all folders on the way, and run both."""
    if not _has_programs(folder):
        return False
    try:
        for program in ("initdb", "postgres"):
            command = [folder / program, "--version"]
            done = subprocess.run(
                command, capture_output=True, timeout=PATIENCE, check=False, cwd="/", **unprivileged()
            )
            if done.returncode != 0:
                return False
    except OSError:
        return False
    return True


def unprivileged() -> dict[str, Any]:
    """Arguments of a process that must not run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """Make a cluster and start its server. Yield the directory of its socket, for `host`."""
    who = unprivileged()
    folder = Path(tempfile.mkdtemp())
    try:
        if who:
            os.chown(folder, who["user"], who["group"])
        more: dict[str, Any] = {"cwd": folder, "env": {**os.environ, "LC_ALL": "C"}, **who}
        made = subprocess.run(
            [programs / "initdb", "--pgdata", "data", "--username", "postgres", "--auth", "trust", "--no-sync"],
            capture_output=True,
            text=True,
            timeout=3 * PATIENCE,
            check=False,
            **more,
        )
        assert made.returncode == 0, made.stderr
        settings = [word for setting in (*SETTINGS, f"unix_socket_directories={folder}") for word in ("-c", setting)]
        server = subprocess.Popen(
            [programs / "postgres", "-D", "data", *settings], stderr=subprocess.PIPE, text=True, **more
        )
        assert server.stderr is not None
        log: list[str] = []
        for line in server.stderr:
            log.append(line)
            if READY in line:
                break
        else:
            raise AssertionError("".join(log))
        reader = threading.Thread(target=log.extend, args=(server.stderr,))  # else it would block some time
        reader.start()
        try:
            yield str(folder)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(PATIENCE)
            reader.join(PATIENCE)
            server.stderr.close()
    finally:
        shutil.rmtree(folder)
