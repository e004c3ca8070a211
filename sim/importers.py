"""Make a workload file of the log of another program.

A format is a function that takes the lines of a log and yields the acquires in it, in any order. To add one, write
that function and name it in `FORMATS`.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from sim.errors import WorkloadError
from sim.files import lines_of, write_whole
from sim.load import SECOND, Load, Rows
from sim.trace import LONGEST, read_trace
from sim.workload import Columns, Trace

Acquire = tuple[int, int, str]  # arrival and hold in nanoseconds, and key

PGBOUNCER = re.compile(
    r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]\d+)\b.*? (C-0x[0-9a-f]+): (\S+)@\S+ (login attempt|closing because)"
)


def pgbouncer(lines: Iterable[str]) -> Iterator[Acquire]:
    """A log of PgBouncer with `log_connections` and `log_disconnections`: each client, from its login to its close."""
    logins: dict[str, tuple[int, str]] = {}
    for line in lines:
        if found := PGBOUNCER.match(line):
            time, client, key, event = found.groups()
            now = _since_1970(time)
            if event == "login attempt":
                logins[client] = now, key
            elif client in logins:
                arrival, key = logins.pop(client)
                yield arrival, max(0, now - arrival), key


def _since_1970(time: str) -> int:
    whole, _, fraction = time.replace(",", ".").partition(".")
    days = datetime.fromisoformat(whole) - datetime(1970, 1, 1)
    return (days.days * 86_400 + days.seconds) * SECOND + int(fraction[:9].ljust(9, "0"))


def swf(lines: Iterable[str]) -> Iterator[Acquire]:
    """The Standard Workload Format of the Parallel Workloads Archive: each job, from its submission, by user.

    Of its 18 fields these are the second, the submission; the fourth, how long it ran; and the twelfth, the user. Jobs
    that did not run are left out.
    """
    for line in lines:
        fields = line.split()
        if len(fields) == 18 and not line.startswith(";") and float(fields[3]) >= 0:
            yield round(float(fields[1]) * SECOND), round(float(fields[3]) * SECOND), f"user {fields[11]}"


SWF = re.compile(r"-?[\d.]+(\s+-?[\d.]+){17}")

FORMATS: Mapping[str, Callable[[Iterable[str]], Iterator[Acquire]]] = {"pgbouncer": pgbouncer, "swf": swf}


def import_log(
    log: Path, output: Path, form: str | None, columns: Mapping[str, str] | None = None, unit: str = "s"
) -> int:
    """Write a workload file, and beside it a trace with the acquires that are in a log.

    Args:
        output: the workload file; the trace has the same name, and ends in `.csv.gz`.
        form: a key of FORMATS, or "csv"; None is what the log looks like.
        columns: of a CSV file, see `sim.workload.Columns`.

    Returns:
        How many acquires there are.

    Raises:
        WorkloadError: there are none, or something is wrong with the log or the names.
        OSError: a file can't be written.
    """
    if output.suffix != ".json":
        raise WorkloadError(output, "is not allowed; expected a name that ends in .json")
    trace = output.with_suffix(".csv.gz")
    if trace.resolve() == log.resolve():
        raise WorkloadError(trace, "is the log itself; name another with --output")
    if unknown := (columns or {}).keys() - set(Columns.__struct_fields__):
        raise WorkloadError(
            log, f"--columns: {unknown.pop()!r} is not allowed; expected {', '.join(Columns.__struct_fields__)}"
        )
    form = form or _looks_like(log)
    if form == "csv":
        source = Trace(path=log.name, columns=Columns(**columns) if columns else None, unit=unit)  # type: ignore[arg-type]
        acquires = read_trace(source, log, ("--columns", "--unit"))
    else:
        acquires = _read(log, form)
    write_whole(trace, gzip.compress(_csv(acquires).encode(), mtime=0))
    workload = {
        "version": 1,
        "workload": {"kind": "trace", "path": trace.name},
        "sweep": {"maxsize": _sizes(acquires.peak_in_use), "maxage": [1, 10, 60, 600, None]},
    }
    write_whole(output, (json.dumps(workload, indent=1) + "\n").encode())
    return len(acquires)


def _looks_like(log: Path) -> str:
    for line, _ in zip(_lines(log), range(200), strict=False):
        if PGBOUNCER.match(line):
            return "pgbouncer"
        if line.startswith(";") or SWF.fullmatch(line.strip()):
            return "swf"
    return "csv"


def _read(log: Path, form: str) -> Load:
    rows = Rows(log, "acquire ")
    try:
        found = sorted(FORMATS[form](_lines(log)))
    except (ValueError, OverflowError) as error:
        raise WorkloadError(log, f"is no log of the format {form}: {error}") from None
    if not found:
        raise WorkloadError(log, f"has no acquires in the format {form}")
    for number, (arrival, hold, key) in enumerate(found, start=1):
        if arrival - found[0][0] > LONGEST or hold > LONGEST:
            raise rows.error("takes more than a century", number)
        rows.add(number, arrival - found[0][0], hold, key)
    return rows.load()


def _lines(log: Path) -> Iterator[str]:
    opener = gzip.open if log.suffix == ".gz" else open
    try:
        with opener(log, "rt", encoding="utf-8", errors="replace") as file:
            yield from lines_of(file, partial(WorkloadError, log))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise WorkloadError(log, f"is not a complete gzip file: {error}") from None
    except OSError as error:
        raise WorkloadError(log, f"can't be read: {error.strerror}") from None


def _csv(acquires: Load) -> str:
    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    names = [quoted(name) for name in acquires.keys]
    rows = zip(acquires.arrival, acquires.hold, acquires.key, strict=True)
    lines = (f"{_decimal(arrival)},{_decimal(hold)},{names[key]}\n" for arrival, hold, key in rows)
    return "arrival,hold,key\n" + "".join(lines)


def _decimal(nanoseconds: int) -> str:
    """Exactly, in seconds."""
    return f"{nanoseconds // SECOND}.{nanoseconds % SECOND:09}".rstrip("0").rstrip(".")


def _sizes(peak: int) -> list[int]:
    """Sizes to begin with: about eight, up to the most that are in use."""
    return sorted({max(1, round(peak * i / 8)) for i in range(1, 9)})
