"""The study as one page of HTML, which needs nothing but itself."""

from __future__ import annotations

import io
from collections.abc import Mapping
from html import escape
from pathlib import Path

from rich.console import Console

from sim.report import show
from sim.study import Study
from sim.words import number

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 0 1rem; color: #222 }
svg { width: 100%; height: auto }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap }
th, td { padding: 0.1rem 0.6rem; text-align: right; border-bottom: 1px solid #ddd }
tr.best { font-weight: bold; background: #eef5fb }
pre { font-size: 0.8rem }
@media (prefers-color-scheme: dark) { body { background: #fff } }
"""
TITLES = {
    "hit-ratio": "Hit ratio",
    "curves": "What a larger pool buys",
    "pareto": "What idle resources buy",
    "time": "In use and idle",
    "waits": "Waits",
}
MOST_ROWS = 1000


def page(path: Path, study: Study, drawings: Mapping[str, str]) -> str:
    """The page: the recommendation, the plots, and all settings."""
    text = io.StringIO()
    show(study, path, Console(file=text, width=1000, color_system=None))
    summary = text.getvalue().splitlines()
    start = next(i for i, line in enumerate(summary) if line.startswith(("Recommended", "No setting")))
    reasons = "".join(f"<li>{escape(line.removeprefix('- '))}</li>" for line in summary[start + 1 :] if line)
    figures = "".join(
        f'<figure id="{name}"><h2>{TITLES[name]}</h2>{svg[svg.index("<svg") :]}</figure>'
        for name, svg in drawings.items()
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(path.name)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(summary[start].rstrip())}</h1><p>{escape(summary[0].rstrip())}</p><ul>{reasons}</ul>"
        f'{figures}<h2>All settings</h2><div class="wide">{_table(study)}</div></body></html>\n'
    )


def _table(study: Study) -> str:
    rows = study["rows"]
    names = [name for name in rows[0] if name not in ("intervals", "engine", "verified")]
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in ("", *names))
    body = []
    for i, row in enumerate(rows[:MOST_ROWS]):
        best = i == study["recommended"]["row"]
        mark = (">" if best else "") + ("*" if i in study["pareto"] else "")
        cells = "".join(f"<td>{'none' if row[name] is None else number(row[name])}</td>" for name in names)
        body.append(f"<tr{' class=best' if best else ''}><td>{escape(mark)}</td>{cells}</tr>")
    more = f"<p>{MOST_ROWS:,} of {len(rows):,} settings; --json has all.</p>" if len(rows) > MOST_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{more}"
