"""What a lesson needs to speak: words in two languages, arithmetic in full, exercises.

    say("...", zh="...")         a sentence of the lesson
    ask("...", zh="...")         a question, before the line that answers it
    remember("...", zh="...")    the one line to take home from a cell
    words("...", zh="...")       the same choice for a part of a line, such as a table's header
    terms(a, b)                  "2*3 + 4*5", for a sum of products printed in full
    size(shape)                  "16 x 28 x 28"
    train(model, data, optimizer, epochs)       training.fit, the same each time
    check = exercise("5.1", "...", zh="...")     an exercise, and what checks an answer to it
    fast()                       whether a long training may be shortened

Figures are in board.py. A lesson is a plain script with percent cells (`# %% Title`): run it
whole, cell by cell in an editor, or on stage with `python -m lessons 5`. The language is what
`--lang` or the variable LESSONS_LANG says, else that of the machine.
"""

from __future__ import annotations

import hashlib
import locale
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.append(str(Path(__file__).parent.parent))  # a clone that is not installed will do

# The products in the lessons are small: a second thread waits for the first longer than it
# computes, on a busy machine many times as long. (training.fit divides the work otherwise.)
threadpool_limits(1, user_api="blas")

WIDE = dict(zip(",:;?!", "\uff0c\uff1a\uff1b\uff1f\uff01", strict=True))
NEVER_FIRST = " ,.:;?!)\u3001\u3002" + "".join(WIDE.values())  # no line begins with one of these


# --- words -------------------------------------------------------------------------------


def language() -> str:
    """"zh" or "en"."""
    told = re.search(r"--lang[= ](\S+)", " ".join(sys.argv[1:]))
    chosen = told[1] if told else os.environ.get("LESSONS_LANG") or locale.getlocale()[0] or "en"
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


def words(english: str, *, zh: str) -> str:
    """Words to print among numbers: the header of a table, a unit."""
    return chosen(english, zh)


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


# --- numbers and networks ----------------------------------------------------------------


def terms(a: Any, b: Any, digits: int = 0) -> str:
    """A sum of products as one writes it down: "0*0 + 1*1 + 2*3 + 3*4"."""
    pairs = zip(np.ravel(a), np.ravel(b), strict=True)
    return " + ".join(f"{x:.{digits}f}*{y:.{digits}f}" for x, y in pairs)


def size(shape: Iterable[int]) -> str:
    """A shape as one says it: "16 x 28 x 28"."""
    return " x ".join(map(str, shape))


def train(model: Any, data: Any, optimizer: Any, epochs: int, batch_size: int = 64) -> Any:
    """training.fit on all cores, with the same batches each time. Gives an Epoch for each."""
    from tinygrad_mnist import DataLoader, team, training

    return training.fit(model, DataLoader(data, batch_size, shuffle=True, seed=0), optimizer,
                        epochs, workers=team.best_size(batch_size, "cpu"))


def fast() -> bool:
    """Whether long trainings may be shortened: `--fast`, as the tests say."""
    return "--fast" in sys.argv or os.environ.get("LESSONS_FAST") is not None


# --- exercises ---------------------------------------------------------------------------


def exercise(number: str, english: str, *, zh: str) -> Callable[[Any], bool]:
    """Print an exercise, and give the function that checks an answer to it.

        check = exercise("5.1", "How many rows and columns has the result?", zh="...")
        # check([0, 0])

    Who has an answer takes the # away and writes it in the place of the zeros.
    """
    from answers import ANSWERS

    if number.endswith(".1"):
        say("To check an answer, take the # from the line below the exercise in the file, put your "
            "answer in, and run the cell again.",
            zh="检查答案:在文件里去掉题目下面那一行的 #,填上你的答案,再运行这一格。")
    say(f"[{number}] {english}", zh=f"[{number}] {zh}")

    def check(answer: Any) -> bool:
        right_one, hint, chinese_hint = ANSWERS[number]
        right = fingerprint(number, answer) == right_one
        if right:
            say(f"[{number}] right.", zh=f"[{number}] 对。")
        else:
            say(f"[{number}] not yet. {hint}", zh=f"[{number}] 还不对。{chinese_hint}")
        return right

    return check


def fingerprint(number: str, answer: Any) -> str:
    """What answers.py keeps of an answer: enough to know it again, too little to read it off.

    A whole number must be exact; of others three digits count, so that 2.303 and 2.3026 are
    the same answer. A list is its numbers in order.
    """
    values = [answer] if np.ndim(answer) == 0 else np.ravel(answer)
    text = " ".join(map(_written, values))
    return hashlib.sha256(f"{number}: {text}".encode()).hexdigest()[:8]


def _written(value: Any) -> str:
    try:
        value = float(value)
    except (TypeError, ValueError):
        return str(value).strip().lower()
    return str(round(value)) if abs(value - np.rint(value)) < 1e-6 else f"{value:.3g}"
