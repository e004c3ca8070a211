"""The plots of docs/performance.md. The same figures make the same files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "ya.resourcepool", "svg.fonttype": "none", "font.size": 9})

import matplotlib.pyplot as plt  # noqa: E402

from benchmarks.peers import FLOOR, OURS  # noqa: E402
from benchmarks.report import LABELS, Results, names, title  # noqa: E402

COLORS = ["#1b6ca8", "#7fb3d5", "#c0392b", "#e59866", "#117a65", "#7dcea0"]


def plot(results: list[Results], folder: Path) -> None:
    for name, draw in (("performance", peers), ("growth", growth)):
        figure = draw(results)
        figure.savefig(folder / f"{name}.svg", bbox_inches="tight", metadata={"Date": None}, facecolor="white")
        plt.close(figure)


def peers(results: list[Results]) -> Any:
    """Time over that of the floor, a bar for each peer."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    wanted = names(results)
    height = 0.8 / len(results)
    for axis, (measure, what) in zip(
        axes, (("pair", "a pop and a push"), ("block", "an empty with block")), strict=True
    ):
        for i, result in enumerate(results):
            figures = result["figures"][measure]
            for place, name in enumerate(wanted):
                if name in figures:
                    value = figures[name]["min"] / figures[FLOOR]["min"]
                    at = place + (i - (len(results) - 1) / 2) * height
                    label = title(result) if name == OURS else None
                    # From 1 on, since on this scale 0 is far away.
                    axis.barh(at, value - 1, height, left=1, color=COLORS[i], label=label)
                    below = value < 1
                    place_of_text = {"ha": "right" if below else "left", "va": "center", "fontsize": 6.5}
                    axis.text(value / 1.05 if below else value * 1.05, at, f"{value:.2g}", **place_of_text)
        axis.set_xscale("log")
        axis.set_xlim(0.15, 80)
        axis.set_xticks([0.25, 0.5, 1, 2, 5, 10, 20, 50], ["1/4", "1/2", "1", "2", "5", "10", "20", "50"])
        axis.minorticks_off()
        axis.set_title(f"{what}: time / floor", loc="left")
        axis.axvline(1, color="0.6", linewidth=0.8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(range(len(wanted)), wanted)
    axes[0].invert_yaxis()
    axes[1].legend(frameon=False, loc="upper right")
    return figure


def growth(results: list[Results]) -> Any:
    """Time over size, on the left of one operation, in the middle of each resource, on the right of a hand-over."""
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4))
    panels = (
        ("a pop and a push, ns", "idle", ("idle",), 1e9),
        ("to give up one resource, ns", "resources given up at once", ("expiry", "overflow"), 1e9),
        ("a hand-over, µs", "waiters", ("waiters",), 1e6),
    )
    for axis, (heading, label, measures, scale) in zip(axes, panels, strict=True):
        colors: dict[str, str] = {}
        for i, result in enumerate(results):
            lines: dict[str, list[tuple[int, float]]] = {}
            for measure in measures:
                for key, value in result["figures"].get(measure, {}).items():
                    series, _, n = key.rpartition(" ")
                    lines.setdefault(series, []).append((int(n), value["min"] * scale))
            for series, points in lines.items():
                color = colors.setdefault(series, COLORS[2 * len(colors) % len(COLORS)])
                text = LABELS.get(series, series).rpartition("`")[0].rpartition("`")[2] or LABELS.get(series, series)
                text = (
                    text.split(",")[0]
                    if series in ("expiry", "overflow")
                    else "no setting"
                    if series == "plain"
                    else text
                )
                axis.plot(
                    *zip(*points, strict=True),
                    "o-" if i == 0 else "s--",
                    color=color,
                    markersize=3,
                    linewidth=1,
                    label=text if i == 0 else None,
                )
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_title(heading, loc="left")
        axis.set_xlabel(label)
        axis.grid(True, color="0.9", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=8)
    axes[0].set_ylim(50, 5000)
    styles = "; ".join(f"{title(result)} {'solid' if i == 0 else 'dashed'}" for i, result in enumerate(results))
    figure.text(0.5, -0.04, styles, ha="center", fontsize=8)
    figure.tight_layout()
    return figure
