"""python -m lessons: the list of lessons; python -m lessons 5: one of them, on stage.

At a terminal it stops after each cell: Enter goes on, a runs it again (with what you have changed
in the file), b goes back one cell, q quits. Anywhere else, or with --auto, it runs straight through
and saves its figures as PNG files.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import time
import traceback
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))  # a lesson finds stage.py beside itself, as when run as a script
import stage


class Cell(NamedTuple):
    """A part of a lesson: its title "English | Chinese", its code, and where it begins."""

    title: str
    code: str
    line: int


def lessons() -> dict[int, Path]:
    """The lessons by their numbers."""
    return {int(path.name[:2]): path for path in sorted(FOLDER.glob("[0-9][0-9]_*.py"))}


def purpose(path: Path) -> str:
    """A lesson's idea, and in brackets its time: the docstring has a line in each language."""
    english, chinese = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()
    return stage.chosen(english, chinese)


def cells(path: Path) -> list[Cell]:
    """The cells of a lesson. What stands before the first title is its docstring."""
    found: list[Cell] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("# %%"):
            found.append(Cell(line[4:].strip(), "", number))
        elif found:
            last = found[-1]
            found[-1] = last._replace(code=f"{last.code}{line}\n")
    return found


def present(path: Path, pausing: bool) -> bool:
    """Run a lesson cell by cell, all in one namespace; false if it was quit."""
    print(f"\n{path.stem}: {purpose(path)}")
    namespace: dict = {"__name__": "__main__", "__file__": str(path)}
    place = 0
    # Read anew each time: whoever writes an answer into the file sees it checked.
    while place < len(all_cells := cells(path)):
        cell = all_cells[place]
        title = stage.chosen(*cell.title.split(" | "))
        print(f"\n--- {place + 1}/{len(all_cells)}  {title} " + "-" * 20)
        if pausing:
            print("\n".join(f"  | {line}" for line in cell.code.strip().splitlines()), "\n")
        try:
            # Blank lines in front keep the line numbers of the file in an error's traceback.
            exec(compile("\n" * cell.line + cell.code, str(path), "exec"), namespace)
        except (Exception, KeyboardInterrupt):
            if not pausing:
                raise
            traceback.print_exc()  # a slip on stage is not the end of the show
        wish = asked() if pausing else ""
        if wish == "q":
            return False
        place = max(0, place + {"a": 0, "b": -1}.get(wish, 1))
    return True


def asked() -> str:
    """What whoever is on stage wants; Ctrl-C and Ctrl-D quit."""
    try:
        return input("\n[Enter: on, a: again, b: back, q: quit] ").strip().lower()
    except (EOFError, KeyboardInterrupt):
        return "q"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lessons", description=__doc__.split("\n")[0])
    parser.add_argument("number", nargs="*", type=int, help="which lessons; none lists them")
    parser.add_argument("--lang", choices=["en", "zh"], help="English or Chinese")
    parser.add_argument("--auto", action="store_true", help="run straight through")
    parser.add_argument("--fast", action="store_true", help="shorten long trainings")
    options = parser.parse_args()
    known = lessons()
    unknown = [number for number in options.number if number not in known]
    if unknown:
        parser.error(f"there is no lesson {unknown[0]}: there are {min(known)} to {max(known)}")
    if options.lang:
        os.environ["LESSONS_LANG"] = options.lang
    if not options.number:
        for number, path in known.items():
            print(f"{number:3}  {purpose(path)}")
        return 0
    if options.fast:
        os.environ["LESSONS_FAST"] = "1"
    pausing = sys.stdin.isatty() and sys.stdout.isatty() and not options.auto
    if not pausing:
        os.environ["LESSONS_AUTO"] = "1"
    for number in options.number:
        began = time.perf_counter()
        if not present(known[number], pausing):
            break
        print(f"\n({time.perf_counter() - began:.1f} s)")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # the reader of our output has closed it: head, less
        sys.stderr.close()
        sys.exit(1)
