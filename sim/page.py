"""The study as one page of HTML, which needs nothing but itself."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from rich.console import Console

from sim.report import show
from sim.rows import Row
from sim.study import Study
from sim.words import number

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 0 1rem;
       color: #222; background: #fff; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; line-height: 1.2 }
figure { margin: 1rem 0 }
svg { width: 100%; max-width: 44rem; height: auto }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap }
th, td { padding: 0.1rem 0.6rem; text-align: right; border-bottom: 1px solid #ddd }
tr.best { font-weight: bold; background: #eef5fb }
"""
TITLES = {
    "hit-ratio": "Hit ratio",
    "curves": "What a larger pool buys",
    "pareto": "What idle resources buy",
    "time": "In use and idle",
    "waits": "Waits",
}
FIRST = ("maxsize", "minsize", "maxage", "cost")
OTHER = ("intervals", "engine", "verified")  # not in the table
MOST_ROWS = 1000


def page(path: Path, study: Study, drawings: Mapping[str, str]) -> str:
    """The page: the recommendation, the plots, and all settings."""
    text = io.StringIO()
    show(study, path, Console(file=text, width=1000, color_system=None))
    summary = text.getvalue().splitlines()
    start = next(i for i, line in enumerate(summary) if line.startswith(("Recommended", "No setting")))
    reasons = "".join(f"<li>{escape(line.removeprefix('- '))}</li>" for line in summary[start + 1 :] if line)
    figures = "".join(
        f'<figure id="{name}" aria-label="{TITLES[name]}">{svg[svg.index("<svg") :]}</figure>'
        for name, svg in drawings.items()
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(path.name)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(summary[start].rstrip())}</h1><p>{escape(summary[0].rstrip())}</p><ul>{reasons}</ul>"
        f"{figures}<h2>All settings</h2>{_settings(study)}{_keys(study)}</body></html>\n"
    )


def _settings(study: Study) -> str:
    rows = study["rows"]
    marks = [
        (">" if i == study["recommended"]["row"] else "") + ("*" if i in study["pareto"] else "")
        for i in range(min(len(rows), MOST_ROWS))
    ]
    rest = [name for name in rows[0] if name not in (*FIRST, *OTHER) and any(row[name] for row in rows)]
    legend = "<p>&gt; recommended; * no setting is better in both, idle time and misses or waits</p>"
    return legend + _table(rows, [*FIRST, *rest], marks) + _rest(len(rows), "settings")


def _keys(study: Study) -> str:
    """The figures of each key, with the recommended setting; those with the most acquires first."""
    keys = sorted(study["keys"], key=lambda row: -row["acquires"])
    if not keys:
        return ""
    names = [name for name in keys[0] if any(row[name] for row in keys)]
    return f"<h2>By key</h2>{_table(keys, names, [''] * min(len(keys), MOST_ROWS))}{_rest(len(keys), 'keys')}"


def _table(rows: Sequence[Row], names: Sequence[str], marks: Sequence[str]) -> str:
    """The first rows, one for each mark."""
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in ("", *names))
    body = []
    for mark, row in zip(marks, rows, strict=False):
        cells = "".join(f"<td>{_cell(row[name])}</td>" for name in names)
        body.append(f"<tr{' class=best' if '>' in mark else ''}><td>{escape(mark)}</td>{cells}</tr>")
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def _cell(value: float | str | None) -> str:
    return escape(value) if isinstance(value, str) else "none" if value is None else number(value)


def _rest(n: int, what: str) -> str:
    return f"<p>{MOST_ROWS:,} of {n:,} {what}; --json has all.</p>" if n > MOST_ROWS else ""
