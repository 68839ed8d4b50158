"""The blackboard of the lessons: each figure in a line or two, readable from the back row.

    label("...", zh="...")              words for a figure, in the language of the lesson
    pictures(images, titles)            pictures side by side, or in rows
    matrices(arrays, titles)            small matrices with their numbers in the cells
    curves({name: values}, xlabel, ylabel)      lines that differ in colour and in dashes
    bars({title: values}, names)        bars with their numbers
    valley({name: way}, height)         ways downhill, over a map of the loss
    confusion(counts, xlabel, ylabel)   a confusion matrix
    boxes(scene, heat, found, right)    digits found in a larger picture
    graph(nodes, arrows)                a calculation with its numbers and gradients
    connections(weight, inputs, outputs)        a fully connected layer, a line for each weight
    outline(axes, left, top, width, height)     a frame around cells of a picture or matrix
    show("05_sliding")                  the figure: on the screen, or as a PNG in lessons/figures/

They give the axes that they have drawn on, for what a lesson wants to add.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stage import chosen, language

FIGURES = Path(__file__).parent / "figures"
with contextlib.suppress(OSError):  # a clone that may only be read: `show` says so
    FIGURES.mkdir(exist_ok=True)
CHINESE_FONTS = ["Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "PingFang SC",
                 "Microsoft YaHei", "WenQuanYi Zen Hei", "SimHei", "Arial Unicode MS"]

# Colours that colour-blind people tell apart (Okabe & Ito, 2008).
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#888888"
COLOURS = BLUE, ORANGE, GREEN, RED
DASHES = "-", "--", "-.", ":"


def label(english: str, *, zh: str) -> str:
    """Words for a figure; in English where the machine has no Chinese letters to draw with."""
    return chosen(english, zh) if chinese_font() else english


def new_figure(width: float = 10, height: float = 5) -> Any:
    """A figure with letters that can be read from the back row. Sizes are in inches."""
    import matplotlib

    matplotlib.rcParams.update({"font.size": 16, "axes.titlesize": 18, "figure.dpi": 100,
                                "axes.spines.top": False, "axes.spines.right": False,
                                "image.cmap": "gray_r", "axes.unicode_minus": False})
    if chinese_font():
        matplotlib.rcParams["font.family"] = [chinese_font(), "sans-serif"]
    if not _on_screen():
        matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1, wspace=0.05)
    return figure


def show(name: str) -> None:
    """Show the newest figure on the screen where somebody looks at one, else save it, say where."""
    import matplotlib.pyplot as plt

    if _on_screen():
        plt.show(block=False)
        plt.pause(0.1)
        return
    path = FIGURES / f"{name}.{language()}.png"
    try:
        plt.savefig(path)
    except OSError as error:  # a folder that may only be read: the lesson goes on
        print(chosen("(no figure)", "(没有图)"), os.path.relpath(path), error.strerror)
    else:
        print(chosen("(figure)", "(图)"), os.path.relpath(path))
    plt.close()


# --- kinds of figures --------------------------------------------------------------------


def pictures(images: Sequence[Any], titles: Iterable[str] = (), rows: int = 1, width: float = 2.5,
             colours: Iterable[str] = (), row_names: Iterable[str] = (), **how: Any) -> list[Any]:
    """Pictures in a grid, row after row, dark for more. how: what imshow is to know."""
    columns = len(images) // rows
    titled = 0.5 if titles else 0.1
    figure = new_figure(width * columns, rows * (width + titled))
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, image in zip(panels, images, strict=True):
        axes.imshow(image, **how)
        bare(axes)
    for axes, title in zip(panels, titles, strict=False):
        axes.set_title(title)
    for axes, colour in zip(panels, colours, strict=False):
        axes.title.set_color(colour)
    for axes, name in zip(panels[::columns], row_names, strict=False):
        axes.set_ylabel(name)
    return panels


def matrices(arrays: Sequence[Any], titles: Iterable[str], digits: Iterable[int] = (0, 0, 0, 0),
             windows: Iterable[int] = ()) -> list[Any]:
    """Small matrices side by side, with their numbers, so many digits after the point.

    windows: for each matrix how large its four windows are, to frame them in four colours.
    """
    wide, high = [np.shape(each)[1] for each in arrays], max(np.shape(each)[0] for each in arrays)
    cell = min(1.2, 13 / sum(wide))  # inches
    figure = new_figure(cell * sum(wide) + len(arrays), cell * high + 0.9)
    figure.get_layout_engine().set(wspace=0.1)
    panels = list(figure.subplots(1, len(arrays), width_ratios=wide, squeeze=False).flat)
    for axes, values, title, places in zip(panels, arrays, titles, digits, strict=False):
        axes.set_title(title)
        numbers(axes, values, places)
    for axes, side in zip(panels, windows, strict=False):
        for (i, j), colour in zip(np.ndindex(2, 2), COLOURS, strict=True):
            outline(axes, side * j + 0.06, side * i + 0.06, side - 0.12, side - 0.12, colour)
    return panels


def curves(lines: Mapping[str, Any], xlabel: str, ylabel: str, x: Any = None, heading: str = "",
           form: str = "", **limits: Any) -> Any:
    """Lines over x (or 0, 1, 2, ...), named in a legend under a heading. limits: xlim, yscale...

    form: how to write the numbers beside the points, "{:.2f}"; without it there are only lines.
    """
    axes = new_figure(10, 5).subplots()
    for (name, y), colour, dashes in zip(lines.items(), COLOURS, DASHES, strict=False):
        places = np.arange(len(y)) if x is None else x
        axes.plot(places, y, dashes, color=colour, linewidth=4, label=name,
                  marker="o" if form else None, markersize=10)
        for place, value in zip(places, y, strict=True) if form else ():
            axes.annotate(form.format(value), (place, value), (14, 10),
                          textcoords="offset points", color=colour)
    axes.set(xlabel=xlabel, ylabel=ylabel, **limits)
    if len(lines) > 1:
        axes.legend(title=heading, frameon=False)
    return axes


def bars(panels: Mapping[str, Any], names: Sequence[str], form: str = "{:,}", flat: bool = False,
         width: float = 13, **limits: Any) -> list[Any]:
    """Panels of bars beside one another, each bar with its number.

    flat: the bars lie; limits are for these: xlim, xscale.
    """
    figure = new_figure(width, 4.3)
    drawn = list(figure.subplots(1, len(panels), squeeze=False).flat)
    for axes, (title, values), colour in zip(drawn, panels.items(), COLOURS, strict=False):
        lying = (axes.barh if flat else axes.bar)(names, values, color=colour)
        axes.bar_label(lying, [form.format(value) for value in values], padding=4)
        if flat:
            axes.set(title=title, **{"xlim": (0, 1.35 * max(values))} | limits)
            axes.set(xticks=[])
            axes.invert_yaxis()
        else:
            axes.set(title=title, yticks=[], ylim=(0, 1.15 * max(values)))
        axes.minorticks_off()
        axes.spines["bottom" if flat else "left"].set_visible(False)
    return drawn


def valley(ways: Mapping[str, np.ndarray], height: Callable[[Any, Any], Any]) -> Any:
    """Ways (steps, 2) over a valley drawn as a map; the star is its lowest point, 0, 0."""
    axes = new_figure(12, 5).subplots()
    x, y = np.meshgrid(np.linspace(-10, 4, 200), np.linspace(-2, 2, 100))
    axes.contour(x, y, height(x, y), levels=[0.5, 3, 9, 18, 30, 45], colors="0.8")
    for (name, way), style, colour in zip(ways.items(), ("o--", "s-"), (ORANGE, BLUE), strict=True):
        axes.plot(*way.T, style, color=colour, linewidth=2.5, label=name)
    axes.plot(0, 0, "*", color=GREEN, markersize=28)
    axes.legend(frameon=False)
    return axes


def graph(nodes: Mapping[str, tuple], arrows: Sequence[tuple[str, str]]) -> Any:
    """A calculation: {name: (x, y, Tensor)}, and arrows (from, to): numbers and gradients."""
    axes = new_figure(14, 5.5).subplots()
    for place, (start, end) in enumerate(arrows):
        bend = (0.4, -0.4)[place % 2] if arrows.count((start, end)) == 2 else 0
        axes.annotate("", nodes[end][:2], nodes[start][:2], arrowprops={
            "arrowstyle": "-|>,head_width=0.5,head_length=0.9", "color": GREY, "linewidth": 3,
            "shrinkA": 48, "shrinkB": 48, "connectionstyle": f"arc3,rad={bend}"})
    for name, (x, y, number) in nodes.items():
        for up, text, colour, points in (
                (0.45, name, "black", 16), (0, f"{number.item():g}", BLUE, 30),
                (-0.45, f"{number.grad.item():g}", RED, 24),
                (-0.85, number.grad_fn.name if number.grad_fn else "", GREY, 16)):
            axes.text(x, y + up, text, ha="center", va="center", color=colour, fontsize=points)
    xs, ys = zip(*(node[:2] for node in nodes.values()), strict=True)
    axes.set(xlim=(min(xs) - 0.4, max(xs) + 0.4), ylim=(min(ys) - 1, max(ys) + 0.8))
    axes.set_axis_off()
    return axes


def connections(weight: np.ndarray, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """A fully connected layer: a line for each weight (O, I), thick for large, dashed for minus."""
    axes = new_figure(10, 5).subplots()
    for (o, i), w in np.ndenumerate(weight):
        axes.plot([0, 1], [-i, -o], "-" if w > 0 else "--", color=BLUE if w > 0 else ORANGE,
                  linewidth=3 * abs(w), zorder=1)
        axes.text(0.22, -i + 0.22 * (i - o), f"{w:+.0f}", ha="center", va="center",
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 2})
    for i, name in enumerate(inputs):
        axes.text(-0.05, -i, name, ha="right", va="center")
    for o, name in enumerate(outputs):
        axes.text(1.05, -o, name, va="center", weight="bold", fontsize=24)
    axes.set(xlim=(-0.5, 1.2))
    axes.set_axis_off()
    return axes


def confusion(counts: np.ndarray, xlabel: str, ylabel: str) -> Any:
    """How often each class (row) was read as each (column): dark for mistakes, blue for right."""
    axes = new_figure(9, 8).subplots()
    mistakes = counts * (1 - np.eye(len(counts)))
    axes.imshow(mistakes)
    for (i, j), count in np.ndenumerate(counts):
        axes.text(j, i, count or "", ha="center", va="center", fontsize=14,
                  color=BLUE if i == j else "white" if count > mistakes.max() / 2 else "black")
    axes.set(xlabel=xlabel, ylabel=ylabel, xticks=range(len(counts)), yticks=range(len(counts)))
    return axes


def boxes(scene: np.ndarray, heat: np.ndarray, found: Sequence[tuple], right: Sequence[bool]
          ) -> Any:
    """What was found in a scene, ((top, left), digit) each: blue if right, else red.

    heat: how sure of a digit in the window around, every 4 pixels; orange.
    """
    axes = new_figure(13, 6).subplots()
    (H, W), (rows, columns) = scene.shape, heat.shape
    axes.imshow(scene, extent=(0, W, H, 0))
    axes.imshow(heat, cmap="Oranges", alpha=0.5, vmin=0, vmax=1,
                extent=(12, 16 + 4 * columns - 4, 16 + 4 * rows - 4, 12))
    for ((top, left), digit), hit in zip(found, right, strict=True):
        colour = BLUE if hit else RED
        outline(axes, left + 0.5, top + 0.5, 28, 28, colour, linewidth=3)
        axes.text(left + 1, top + 7, f"{digit}", fontsize=24, color=colour)
    axes.set(xlim=(0, W), ylim=(H, 0))
    bare(axes)
    return axes


# --- on axes -----------------------------------------------------------------------------


def numbers(axes: Any, values: Any, digits: int = 0) -> None:
    """Draw a small matrix with its numbers in the cells."""
    values = np.asarray(values)
    low, high = values.min(), max(values.max(), values.min() + 1)
    axes.imshow(values, vmin=low, vmax=high)
    for (i, j), value in np.ndenumerate(values):
        axes.text(j, i, f"{value:.{digits}f}", ha="center", va="center",
                  fontsize=34 - 3 * max(values.shape),
                  color="white" if value > (low + high) / 2 else "black")
    bare(axes)


def outline(axes: Any, left: float, top: float, width: float, height: float, colour: str = ORANGE,
            linewidth: float = 5) -> None:
    """A frame around the cells of a picture or matrix that begin at column `left`, row `top`."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor=colour,
                             linewidth=linewidth, clip_on=False, zorder=3))


def bare(axes: Any) -> None:
    """No ticks; a thin frame, for paper is white and so is the wall."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=GREY, linewidth=1)


# --- the machine -------------------------------------------------------------------------


def _on_screen() -> bool:
    """Whether figures can open as windows: on a stage, at a terminal, with a display."""
    return (os.environ.get("LESSONS_AUTO") is None and sys.stdout.isatty()
            and bool(os.environ.get("DISPLAY") or sys.platform in ("darwin", "win32")))


def chinese_font() -> str | None:
    """A font of this machine that has Chinese letters, if the lesson needs one."""
    if language() != "zh":
        return None
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    return next((font for font in CHINESE_FONTS if font in known), None)
