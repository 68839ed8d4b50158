"""What a lesson needs to speak: words in two languages, figures, exercises.

    say("...", zh="...")         a sentence of the lesson
    ask("...", zh="...")         a question, before the line that answers it
    remember("...", zh="...")    the one line to take home from a cell
    words("...", zh="...")       the same choice for the labels of a figure
    show(figure, "name")         a figure: on the screen, or as a PNG in lessons/figures/
    check("5.1", answer)         is the answer to an exercise right?
    fast()                       whether a long training may be shortened

A lesson is a plain script with percent cells (`# %% Title`): run it whole, cell by cell in an
editor, or on stage with `python -m lessons 5`. The language is what `--lang` or the variable
LESSONS_LANG says, else that of the machine.
"""

from __future__ import annotations

import locale
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parent.parent))  # a clone that is not installed will do

FIGURES = Path(__file__).parent / "figures"
CHINESE_FONTS = ["Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "PingFang SC",
                 "Microsoft YaHei", "WenQuanYi Zen Hei", "SimHei", "Arial Unicode MS"]

# Colours that colour-blind people tell apart (Okabe & Ito, 2008).
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#888888"


# --- words -------------------------------------------------------------------------------


def language() -> str:
    """"zh" or "en"."""
    if "--lang" in sys.argv[:-1]:
        chosen = sys.argv[sys.argv.index("--lang") + 1]
    else:
        chosen = os.environ.get("LESSONS_LANG") or locale.getlocale()[0] or "en"
    return "zh" if chosen.lower().startswith(("zh", "chinese")) else "en"


def say(english: str, *, zh: str) -> None:
    """Print a sentence of the lesson."""
    _print(zh if language() == "zh" else english)


def ask(english: str, *, zh: str) -> None:
    """Print a question, and let the audience think."""
    _print(zh if language() == "zh" else english, mark="? ")


def remember(english: str, *, zh: str) -> None:
    """Print the one line to remember."""
    _print(zh if language() == "zh" else english, mark="* ")


def _print(text: str, mark: str = "") -> None:
    """Print a text that fits on a slide: 88 columns, of which a Chinese letter takes two."""
    width = 44 if language() == "zh" else 88
    lines = textwrap.wrap(text, width - len(mark))
    print("\n".join((mark if place == 0 else " " * len(mark)) + line
                    for place, line in enumerate(lines)))


# --- figures -----------------------------------------------------------------------------


def new_figure(width: float = 10, height: float = 5, **options: Any) -> Any:
    """A figure with letters that can be read from the back row. Sizes are in inches."""
    import matplotlib

    matplotlib.rcParams.update({"font.size": 16, "axes.titlesize": 18, "figure.dpi": 100,
                                "axes.spines.top": False, "axes.spines.right": False,
                                "image.cmap": "gray_r", "axes.unicode_minus": False})
    if _chinese_font():
        matplotlib.rcParams["font.family"] = [_chinese_font(), "sans-serif"]
    if not _on_screen():
        matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), layout="constrained", **options)


def words(english: str, *, zh: str) -> str:
    """A label for a figure; in English where the machine has no Chinese letters to draw with."""
    return zh if language() == "zh" and _chinese_font() else english


def show(figure: Any, name: str) -> None:
    """Show a figure on the screen where somebody looks at one, else save it and say where."""
    import matplotlib.pyplot as plt

    if _on_screen():
        plt.show(block=False)
        plt.pause(0.1)
        return
    FIGURES.mkdir(exist_ok=True)
    path = FIGURES / f"{name}.{language()}.png"
    figure.savefig(path)
    plt.close(figure)
    print(words("(figure)", zh="(图)"), os.path.relpath(path))


def matrix(axes: Any, values: Any, title: str = "", digits: int = 0) -> None:
    """Draw a small matrix with its numbers in the cells."""
    values = np.asarray(values)
    axes.imshow(values, vmin=values.min(), vmax=max(values.max(), values.min() + 1))
    middle = (values.min() + values.max()) / 2
    for (i, j), value in np.ndenumerate(values):
        axes.text(j, i, f"{value:.{digits}f}", ha="center", va="center", fontsize=14,
                  color="white" if value > middle else "black")
    axes.set_title(title)
    axes.set_xticks([])
    axes.set_yticks([])


def _on_screen() -> bool:
    """Whether figures can open as windows: on a stage, at a terminal, with a display."""
    return (os.environ.get("LESSONS_AUTO") is None and sys.stdout.isatty()
            and bool(os.environ.get("DISPLAY") or sys.platform in ("darwin", "win32")))


def _chinese_font() -> str | None:
    """A font of this machine that has Chinese letters, if the lesson needs one."""
    if language() != "zh":
        return None
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    return next((font for font in CHINESE_FONTS if font in known), None)


# --- exercises ---------------------------------------------------------------------------


def check(exercise: str, answer: Any) -> bool:
    """Say whether the answer to an exercise is right, and if not, where to look.

    Lessons hold these lines commented out: uncomment one and put your own answer in.
    """
    from answers import ANSWERS

    expected, english, chinese = ANSWERS[exercise]
    try:
        right = np.allclose(np.asarray(answer, float), np.asarray(expected, float), rtol=1e-3)
    except (TypeError, ValueError):
        right = answer == expected
    if right:
        say(f"{exercise}: right.", zh=f"{exercise}:对。")
    else:
        say(f"{exercise}: not yet. {english}", zh=f"{exercise}:还不对。{chinese}")
    return right


def fast() -> bool:
    """Whether long trainings may be shortened: `--fast`, as the tests say."""
    return "--fast" in sys.argv or os.environ.get("LESSONS_FAST") is not None
