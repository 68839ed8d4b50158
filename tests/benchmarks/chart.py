"""One chart of a run: a bar for each library, long for slow, and the floor as a line."""

from __future__ import annotations

from pathlib import Path

from .report import Report
from .sections import FIT, FLOOR, OURS


def draw(report: Report, path: str | Path) -> None:
    """Milliseconds for a training step in each library, into a picture file."""
    from matplotlib.figure import Figure

    peers = sorted(((value, name) for name, value in report.peers.items() if name != FLOOR),
                   reverse=True)
    figure = Figure(figsize=(12, 2.2 + 0.62 * len(peers)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([name for _, name in peers], [value for value, _ in peers],
                     color=["#0072b2" if name in (OURS, FIT) else "#999999" for _, name in peers])
    axes.bar_label(bars, [f"{value:.1f} ms" for value, _ in peers], padding=6, fontsize=17)
    if FLOOR in report.peers:
        floor = report.peers[FLOOR]
        axes.axvline(floor, color="black", linewidth=2, linestyle="--")
        axes.annotate(f"the matrix products alone: {floor:.1f} ms", (floor, 1), (8, 0),
                      xycoords=("data", "axes fraction"), textcoords="offset points",
                      fontsize=15, va="bottom")
    axes.tick_params(axis="y", labelsize=17, length=0)
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_xlim(0, 1.15 * max(value for value, _ in peers))
    facts = report.machine
    figure.suptitle("One training step of the talk's network, 64 pictures", fontsize=21)
    figure.supxlabel(f"{facts['processor']}, {facts['cores']} cores, {facts['date'][:10]}: "
                     "shorter is faster", fontsize=14)
    figure.savefig(path, dpi=120, bbox_inches="tight", pad_inches=0.25)
