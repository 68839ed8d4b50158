"""The program: train a network, evaluate it, let it read pictures.

Exit codes: 0, all went well; 2, the command line was wrong; 1, anything else that a person
can cause, told in one line. `--traceback` shows where an error arose.
"""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from . import __version__, checkpoint, handwriting, introspection, ladder, models, training
from .backend import find_device, manual_seed
from .dataloader import DataLoader
from .datasets import MNIST, TensorDataset, default_root
from .functional import softmax
from .recipes import RECIPES, TALK, Recipe
from .team import best_size
from .tensor import Tensor
from .transforms import ToTensor


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program with these arguments (the command line's by default); the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except BrokenPipeError:  # the reader of our output has closed it: head, less
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return _fail("stopped")
    except (OSError, ValueError, KeyError, RuntimeError, ArithmeticError, MemoryError) as error:
        if options.traceback:
            raise
        return _fail(_sentence(error))


# --- train -------------------------------------------------------------------------------


def train(options: argparse.Namespace) -> int:
    """Train a network on MNIST and save it."""
    say = _speaker(options.json)
    device = find_device(options.device)
    recipe = _recipe(options, device)
    workers = recipe.workers or best_size(recipe.batch_size, device)
    recipe = replace(recipe, workers=workers)
    out = Path(options.out or f"{recipe.model}.safetensors")
    resume_file = out.with_name(out.name + ".resume")
    _check_can_write(out, options.log, options.plot)

    manual_seed(recipe.seed)
    model = models.create(recipe.model).to(device)
    optimizer = recipe.make_optimizer(model.parameters())
    train_data, test_data = _mnist(train=True), _mnist(train=False)
    if recipe.batch_size > len(train_data):
        raise ValueError(f"a batch of {recipe.batch_size:,} cannot be filled from "
                         f"{len(train_data):,} pictures")
    if recipe.habits:
        train_data.images = handwriting.with_habits(train_data.images, train_data.labels,
                                                    recipe.habits, recipe.seed)
    # A last batch of half the size would make a whole step on half the evidence: measured, that
    # costs some seeds 2 % of accuracy. Each pass leaves out other pictures.
    loader = DataLoader(train_data, recipe.batch_size, shuffle=True, drop_last=True,
                        seed=recipe.seed)
    scheduler = recipe.make_scheduler(optimizer, len(loader))
    progress = training.Progress()
    if options.resume:
        progress = training.load_state(resume_file, model, optimizer, recipe.decisive(), scheduler)
        say(f"going on from {resume_file}: {_told(progress, len(loader))}")
    say(f"training {recipe.model} ({models.count_parameters(model):,} parameters) on {device} in "
        f"{workers} process{'es' * (workers > 1)}: {len(train_data):,} pictures, "
        f"{recipe.epochs} epochs")

    def save() -> None:
        training.save_state(resume_file, model, optimizer, progress, recipe.decisive(), scheduler)
        checkpoint.save(model, out, _notes(recipe, progress))

    def on_epoch(epoch: training.Epoch) -> None:
        say(f"epoch {epoch.epoch}/{recipe.epochs}  loss {epoch.loss:.4f}  "
            f"test accuracy {epoch.test_accuracy:.2%}  {epoch.seconds:.1f} s")
        save()
        if options.log:
            with open(options.log, "a", encoding="utf-8") as file:
                file.write(json.dumps(vars(epoch)) + "\n")

    if options.log and not options.resume:
        Path(options.log).write_text("", encoding="utf-8")
    tracing = introspection.trace(say) if options.trace else nullcontext()
    with _interrupt() as interrupted, tracing:
        training.fit(model, loader, optimizer, recipe.epochs, test=test_data, scheduler=scheduler,
                     augment=recipe.make_augment(), progress=progress, on_epoch=on_epoch,
                     should_stop=interrupted, workers=workers)
    if progress.epoch < recipe.epochs:
        save()
        return _fail(f"stopped after {_told(progress, len(loader))}; saved in {out}. The same "
                     "command with --resume goes on from here")
    if options.plot:
        training.plot(progress.history, options.plot)
    say(f"saved in {out}")
    if options.json:
        print(json.dumps(_summary(model, progress, recipe, device, out)))
    return 0


def _recipe(options: argparse.Namespace, device: str) -> Recipe:
    """The recipe by its name, the talk's if there is none, with what the options change of it."""
    changes = {key: getattr(options, key)
               for key in ("model", "epochs", "batch_size", "lr", "seed", "workers")
               if getattr(options, key) is not None}
    if device != "cpu":  # a GPU is one worker, whoever asks
        changes["workers"] = 1
    return replace(RECIPES[options.recipe] if options.recipe else TALK, **changes)


def _summary(model: Any, progress: training.Progress, recipe: Recipe, device: str, out: Path
             ) -> dict:
    last = progress.history[-1]
    return {**recipe.as_dict(), "epochs": last.epoch, "device": device, "file": str(out),
            "parameters": models.count_parameters(model), "loss": last.loss,
            "test_accuracy": last.test_accuracy,
            "seconds_per_epoch": float(np.median([each.seconds for each in progress.history])),
            "history": [vars(each) for each in progress.history]}


def _notes(recipe: Recipe, progress: training.Progress) -> dict[str, str]:
    """What the header of the weights says of their training."""
    notes = {"recipe": json.dumps(recipe.as_dict()),
             "trained": json.dumps({"epochs": progress.epoch, "batches": progress.batch})}
    if progress.history:
        notes["test_accuracy"] = str(progress.history[-1].test_accuracy)
    return notes


def _told(progress: training.Progress, batches: int) -> str:
    part = f" and {progress.batch} of {batches} batches" if progress.batch else ""
    return f"{progress.epoch} epochs{part}"


@contextmanager
def _interrupt() -> Iterator[Callable[[], bool]]:
    """Ctrl-C asks the training to stop at the next batch; a second one stops it at once."""
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


def _check_can_write(*paths: Any) -> None:
    """Better to hear it before the training than after."""
    for path in filter(None, paths):
        if Path(path).is_dir() or not Path(path).absolute().parent.is_dir():
            raise FileNotFoundError(f"{path} cannot be written: it is a folder, or in none")


# --- evaluate ----------------------------------------------------------------------------


def evaluate(options: argparse.Namespace) -> int:
    """Measure one trained network in detail, or compare several."""
    networks = [(path, models.load(path)) for path in options.files]
    data, name = _measuring_data(options.drawn)
    results = [(path, model, training.evaluate(model, data)) for path, model in networks]
    if options.json:
        print(json.dumps({"data": name, "models": [_measured(*each) for each in results]}))
    elif len(results) == 1:
        print(f"{options.files[0]} on {name}\n")
        print(_digit_table(results[0][2]))
    else:
        print(f"on {name}\n")
        print(_comparison(results))
    return 0


def _measuring_data(drawn: str | None) -> tuple[Any, str]:
    if drawn is None:
        data = _mnist(train=False)
        return data, f"MNIST's {len(data):,} test pictures"
    pictures, labels = handwriting.read_drawings(drawn)
    return TensorDataset(pictures[:, None], labels), f"the {len(labels):,} drawings of {drawn}"


def _measured(path: str, model: Any, result: training.Evaluation) -> dict[str, Any]:
    right, total = np.diag(result.confusion), result.confusion.sum(axis=1)
    return {"file": path, "model": model.name, "parameters": models.count_parameters(model),
            "accuracy": result.accuracy, "pictures": len(result.labels),
            "ms_per_picture": 1e3 * result.seconds / len(result.labels),
            "per_digit": [{"digit": digit, "right": int(good), "pictures": int(count)}
                          for digit, (good, count) in enumerate(zip(right, total, strict=True))],
            "most_confused": [{"label": label, "read_as": read_as, "times": times}
                              for label, read_as, times in result.most_confused(10)]}


def _digit_table(result: training.Evaluation) -> str:
    right, total = np.diag(result.confusion), result.confusion.sum(axis=1)
    rows = [*zip(range(len(total)), total, right, strict=True), ("all", total.sum(), right.sum())]
    lines = ["digit  pictures  right  accuracy"]
    lines += [f"{digit:>5}  {pictures:8,}  {good:5,}  {100 * good / pictures:6.2f} %"
              for digit, pictures, good in rows if pictures]
    lines += [""] + [f"{times:4} times a {label} was read as {read_as}"
                     for label, read_as, times in result.most_confused()]
    return "\n".join(lines)


def _comparison(results: list) -> str:
    width = max(len(str(path)) for path, _, _ in results)
    lines = [f"{'file':{width}}  model   parameters  accuracy  ms per picture"]
    lines += [f"{path!s:{width}}  {model.name:6}  {models.count_parameters(model):10,}  "
              f"{100 * result.accuracy:6.2f} %  {1e3 * result.seconds / len(result.labels):14.3f}"
              for path, model, result in results]
    return "\n".join(lines)


# --- ladder ------------------------------------------------------------------------------


def climb(options: argparse.Namespace) -> int:
    """Show what each step of preparing a drawing brings, and how well each network reads."""
    files = ladder.shipped()
    if "seed" not in files:
        return _fail(f"there is no seed.safetensors in {default_root() / 'models'}")
    networks = {name: models.load(file) for name, file in files.items()}
    strokes: list = []
    labels = np.empty(0, np.int64)
    if options.drawn:
        strokes, labels = handwriting.read_strokes(options.drawn)
    steps = ladder.climb(networks["seed"], strokes, labels) if strokes else []
    compared = ladder.compare(networks, _mnist(train=False), strokes, labels)
    if options.json:
        print(json.dumps({"drawn": options.drawn, "steps": steps, "models": compared}))
        return 0
    if steps:
        print(f"seed on the {len(labels):,} drawings of {options.drawn}\n")
        print("\n".join(f"{each['step']:9}  {100 * each['accuracy']:6.2f} %  {each['then']}"
                        for each in steps), end="\n\n")
    print("model   parameters     MNIST" + "     drawn" * bool(strokes))
    for each in compared:
        drawn = f"  {100 * each['drawn']:6.2f} %" if strokes else ""
        print(f"{each['model']:6}  {each['parameters']:10,}  {100 * each['mnist']:6.2f} %{drawn}")
    return 0


# --- predict -----------------------------------------------------------------------------


def predict(options: argparse.Namespace) -> int:
    """Let a network read picture files, or a few of MNIST's test pictures."""
    if not options.pictures and not options.test:
        return _fail("there is nothing to read: name picture files, or say --test 3", code=2)
    model = models.load(options.file)
    shown = [(path, _prepared(path)) for path in options.pictures]
    if options.test:
        data = _mnist(train=False)
        pictures, labels = data[np.arange(min(options.test, len(data)))]
        shown += [(f"test picture {number}, a {label}", picture[0]) for number, (picture, label)
                  in enumerate(zip(pictures.numpy(), labels, strict=True))]
    logits = training.predict(model, Tensor(np.stack([picture for _, picture in shown])[:, None]))
    answers = softmax(Tensor(logits), 1).numpy()
    if options.plot:
        introspection.draw(model, shown[0][1], options.plot)
    if options.json:
        print(json.dumps([{"picture": str(name), "digit": int(p.argmax()),
                           "probabilities": [float(each) for each in p]}
                          for (name, _), p in zip(shown, answers, strict=True)]))
    else:
        for (name, picture), probabilities in zip(shown, answers, strict=True):
            print(f"{name}: read as {probabilities.argmax()}\n")
            print(beside(as_text(picture), as_bars(probabilities)))
    return 0


def _prepared(path: str) -> np.ndarray:
    try:
        return handwriting.prepare(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def as_text(picture: np.ndarray) -> list[str]:
    """A picture (28, 28) as 14 lines of text: a letter is about twice as high as wide."""
    shades = " .:-=+*#%@"
    pairs = (picture[::2] + picture[1::2]) / 2
    return ["".join(shades[round(float(grey) * 9)] for grey in row) for row in pairs]


def as_bars(probabilities: np.ndarray) -> list[str]:
    """Ten probabilities as ten lines with bars."""
    return [f"{digit}  {p:6.1%}  {'#' * round(float(p) * 30)}"
            for digit, p in enumerate(probabilities)]


def beside(left: list[str], right: list[str]) -> str:
    """Two blocks of lines side by side, the lower one in the middle of the higher."""
    above = (len(left) - len(right)) // 2
    right = [""] * above + right + [""] * (len(left) - len(right) - above)
    return "\n".join(f"{a}   {b}".rstrip() for a, b in zip(left, right, strict=True))


# --- bench -------------------------------------------------------------------------------


def bench(options: argparse.Namespace) -> int:
    """Measure speed and memory beside PyTorch and others (in a clone of the repository)."""
    tests = Path(__file__).resolve().parent.parent / "tests"
    if not (tests / "benchmarks").is_dir():
        return _fail("the benchmark is run from a clone of the repository: it is in "
                     "tests/benchmarks, which is not installed with the package")
    _check_can_write(options.plot)
    sys.path.insert(0, str(tests))
    benchmarks = importlib.import_module("benchmarks")
    report = benchmarks.run(options.quick, _speaker(options.json))
    if options.plot:
        benchmarks.draw(report, options.plot)
    if options.json:
        print(json.dumps(report.as_dict()))
    return 0


# --- what the commands share -------------------------------------------------------------


def _mnist(train: bool) -> MNIST:
    return MNIST(train=train, transform=ToTensor(), download=True)


def _speaker(json_only: bool) -> Callable[[str], None]:
    """Prints for people; with --json they read on stderr, and stdout is for programs."""
    return lambda text: print(text, file=sys.stderr if json_only else sys.stdout, flush=True)


def _sentence(error: Exception) -> str:
    """What went wrong, in one line, without the decoration that Python puts around it."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    told = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(str(told).split()) or type(error).__name__


def _fail(reason: object, code: int = 1) -> int:
    print(f"tinygrad-mnist: {reason}", file=sys.stderr)
    return code


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

    added = command(train)
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
    added.add_argument("--trace", action="store_true",
                       help="show at the end where the time went, operation by operation")
    added.add_argument("--resume", action="store_true",
                       help="go on with the training that was interrupted")

    added = command(evaluate)
    added.add_argument("files", nargs="+", metavar="FILE", help="trained weights; several compare")
    added.add_argument("--drawn", metavar="FILE.jsonl[.gz]",
                       help="measure on these drawings instead of MNIST's test pictures")

    added = command(climb, "ladder")
    added.add_argument("--drawn", metavar="FILE.jsonl[.gz]",
                       help="digits drawn with a pen, as strokes")

    added = command(predict)
    added.add_argument("file", metavar="FILE", help="trained weights")
    added.add_argument("pictures", nargs="*", metavar="PICTURE", help="picture files")
    added.add_argument("--test", type=_at_least(1), metavar="N",
                       help="read the first N of MNIST's test pictures")
    added.add_argument("--plot", metavar="FILE",
                       help="draw what each layer makes of the first picture")

    added = command(bench)
    added.add_argument("--quick", action="store_true",
                       help="only see that it works: too few rounds for the numbers to count")
    added.add_argument("--plot", metavar="FILE",
                       help="draw a training step's time in each library, for example into "
                            "bench.png")
    return parser
