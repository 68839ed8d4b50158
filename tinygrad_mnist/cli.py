"""The program: train a network, evaluate it, let it read pictures.

Exit codes: 0, all went well; 2, the command line was wrong; 1, anything else that a person
can cause, told in one line. `--traceback` shows where an error arose.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from . import __version__, models
from .commands import bench, measure, read, train
from .commands.shared import EXPECTED, fail, sentence
from .recipes import RECIPES, TALK


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program with these arguments (the command line's by default); the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except BrokenPipeError:  # the reader of our output has closed it: head, less
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return fail("stopped")
    except EXPECTED as error:
        if options.traceback:
            raise
        return fail(sentence(error))


# --- its options --------------------------------------------------------------------------


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.strip().isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} on, not {text}")
        return int(text)
    return number


def _positive(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number above 0, not {text}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tinygrad-mnist", description="A neural network that can be read, on MNIST.")
    parser.add_argument("--version", action="version", version=f"tinygrad-mnist {__version__}")
    parser.add_argument("--traceback", action="store_true", help="show where an error arose")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(run: Callable[[argparse.Namespace], int], name: str = ""
                ) -> argparse.ArgumentParser:
        added = commands.add_parser(name or run.__name__, help=run.__doc__,
                                    description=run.__doc__)
        added.set_defaults(run=run)
        added.add_argument("--json", action="store_true", help="print one JSON object on stdout")
        return added

    added = command(train.train)
    added.add_argument("--recipe", choices=list(RECIPES), metavar="NAME",
                       help=f"train as the file that ships was: {', '.join(RECIPES)}; the options "
                            "below change it (default: the talk's own recipe)")
    added.add_argument("--model", choices=list(models.MODELS), help=f"which network ({TALK.model})")
    added.add_argument("--epochs", type=_at_least(1),
                       help=f"passes over the training pictures ({TALK.epochs})")
    added.add_argument("--batch-size", type=_at_least(1),
                       help=f"pictures in a step ({TALK.batch_size})")
    added.add_argument("--lr", type=_positive, help=f"learning rate ({TALK.lr})")
    added.add_argument("--seed", type=_at_least(0),
                       help=f"for first weights and shuffles ({TALK.seed})")
    added.add_argument("--device", default="auto", help="cpu, cuda, cuda:N or auto (default)")
    added.add_argument("--workers", type=_at_least(1), metavar="N",
                       help="processes that share the work (one for each core)")
    added.add_argument("--out", metavar="FILE", help="the weights (default: MODEL.safetensors)")
    added.add_argument("--log", metavar="FILE.jsonl", help="write a JSON line for each epoch")
    added.add_argument("--plot", metavar="FILE", help="draw the curve, for example into curve.png")
    added.add_argument("--drawn", metavar="FILE.jsonl[.gz]",
                       help="at the end, measure on these drawings, too, and note it in the file")
    added.add_argument("--trace", action="store_true",
                       help="show at the end where the time went, operation by operation")
    added.add_argument("--resume", action="store_true",
                       help="go on with the training that was interrupted")

    added = command(measure.evaluate)
    added.add_argument("files", nargs="+", metavar="FILE", help="trained weights; several compare")
    added.add_argument("--drawn", metavar="FILE.jsonl[.gz]",
                       help="measure on these drawings instead of MNIST's test pictures")

    added = command(measure.ladder)
    added.add_argument("--drawn", metavar="FILE.jsonl[.gz]",
                       help="digits drawn with a pen, as strokes")
    added.add_argument("--train", action="store_true",
                       help="also train seed once more for each kind of augmentation, and show "
                            "what it brings (a quarter of an hour)")

    added = command(measure.trust, "confidence")
    added.add_argument("file", metavar="FILE", help="trained weights")
    added.add_argument("--drawn", metavar="FILE.jsonl[.gz]", help="measure on these, too")
    added.add_argument("--plot", metavar="FILE",
                       help="draw the reliability diagram, for example into reliability.png")

    added = command(read.predict)
    added.add_argument("file", metavar="FILE", help="trained weights")
    added.add_argument("pictures", nargs="*", metavar="PICTURE", help="picture files")
    added.add_argument("--test", type=_at_least(1), metavar="N",
                       help="read the first N of MNIST's test pictures")
    added.add_argument("--plot", metavar="FILE",
                       help="draw what each layer makes of the first picture")

    added = command(bench.bench)
    added.add_argument("--quick", action="store_true",
                       help="only see that it works: too few rounds for the numbers to count")
    added.add_argument("--device", default="cpu",
                       help="cpu (default), or cuda: beside PyTorch on the same GPU")
    added.add_argument("--plot", metavar="FILE",
                       help="draw a training step's time in each library, for example into "
                            "bench.png")
    return parser
