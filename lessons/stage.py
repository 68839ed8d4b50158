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
import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parent.parent))  # a clone that is not installed will do

FIGURES = Path(__file__).parent / "figures"
CHINESE_FONTS = ["Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "PingFang SC",
                 "Microsoft YaHei", "WenQuanYi Zen Hei", "SimHei", "Arial Unicode MS"]

WIDE = dict(zip(",:;?!", "\uff0c\uff1a\uff1b\uff1f\uff01", strict=True))
NEVER_FIRST = " ,.:;?!)\u3001\u3002" + "".join(WIDE.values())  # no line begins with one of these

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
    _print(chosen(english, zh))


def ask(english: str, *, zh: str) -> None:
    """Print a question, and let the audience think."""
    _print(chosen(english, zh), mark="? ")


def remember(english: str, *, zh: str) -> None:
    """Print the one line to remember."""
    _print(chosen(english, zh), mark="* ")


def chosen(english: str, chinese: str) -> str:
    """The one of two texts that is in the language of the lesson.

    In the lessons Chinese is written with the commas of the keyboard; a reader gets wide ones.
    """
    if language() == "en":
        return english
    beside = r"(?<=[\u4e00-\u9fff)\u201d])[,:;?!]|[,:;?!](?=[\u4e00-\u9fff])"
    return re.sub(beside, lambda found: WIDE[found[0]], chinese)


def _print(text: str, mark: str = "") -> None:
    """Print a text so that it fits on a slide, 88 columns wide."""
    for place, line in enumerate(wrapped(text, 88 - len(mark))):
        print((mark if place == 0 else " " * len(mark)) + line)


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, of which a Chinese letter takes two.

    A line may end after any Chinese letter, or between words; none begins with a comma.
    """
    lines = [""]
    for part in re.findall(r"[^\s\u2e80-\u9fff\uff00-\uffef]+|\s+|.", text):
        if columns(lines[-1] + part) > width and part[0] not in NEVER_FIRST:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += part if lines[-1] else part.lstrip()
    return lines


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


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

    figure = plt.figure(figsize=(width, height), layout="constrained", **options)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1, wspace=0.05)
    return figure


def words(english: str, *, zh: str) -> str:
    """A label for a figure; in English where the machine has no Chinese letters to draw with."""
    return chosen(english, zh) if _chinese_font() else english


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
    low, high = values.min(), max(values.max(), values.min() + 1)
    axes.imshow(values, vmin=low, vmax=high)
    for (i, j), value in np.ndenumerate(values):
        axes.text(j, i, f"{value:.{digits}f}", ha="center", va="center",
                  fontsize=max(12, 34 - 4 * max(values.shape)),
                  color="white" if value > (low + high) / 2 else "black")
    axes.set(title=title, xticks=[], yticks=[])
    axes.spines[:].set_visible(True)


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
        whole = np.asarray(expected).dtype.kind == "i"  # a count is right or wrong
        right = np.allclose(np.asarray(answer, float), np.asarray(expected, float),
                            rtol=0 if whole else 1e-3)
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
