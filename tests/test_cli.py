"""The program, as a person runs it: what it prints, what it writes, and how it fails.

Most tests run `main` on the first pictures of each set, for speed; the last ones run the real
command on all of MNIST.
"""

import contextlib
import copy
import dataclasses
import functools
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_info, threadpool_limits

from tinygrad_mnist import (
    checkpoint,
    cli,
    confidence,
    datasets,
    doodles,
    ladder,
    models,
    training,
    transforms,
)
from tinygrad_mnist.commands import measure, read, shared, train
from tinygrad_mnist.recipes import RECIPES, TALK, Recipe
from tinygrad_mnist.transforms import RandomAffine

ROOT = Path(__file__).parent.parent
PROGRAM = [sys.executable, "-W", "error", "-m", "tinygrad_mnist"]


@pytest.fixture
def few_pictures(monkeypatch):
    """MNIST's first 640 training and 300 test pictures in place of all, and ten of each doodle."""
    for module in (shared, train, measure, read):
        monkeypatch.setattr(module, "mnist", few)
    monkeypatch.setattr(doodles, "samples", functools.partial(doodles.samples, 10))


@functools.cache
def all_of_mnist(train):
    return datasets.MNIST(train=train, transform=transforms.ToTensor())


def few(train):
    data = copy.copy(all_of_mnist(train))
    count = 640 if train else 300
    data.images, data.labels = data.images[:count], data.labels[:count]
    return data


@pytest.fixture
def weights(tmp_path):
    """A file of (untrained) weights."""
    checkpoint.save(models.create("seed"), tmp_path / "seed.safetensors")
    return tmp_path / "seed.safetensors"


def run(capsys, *arguments):
    """Exit code, stdout and stderr of one command."""
    try:
        code = cli.main([str(each) for each in arguments])
    except SystemExit as error:  # argparse
        code = error.code
    printed = capsys.readouterr()
    return code, printed.out, printed.err


# --- train -------------------------------------------------------------------------------


def test_train_says_a_line_for_each_epoch_and_writes_all_files(capsys, few_pictures, tmp_path):
    files = [tmp_path / name for name in ("w.safetensors", "log.jsonl", "curve.png")]
    code, out, err = run(capsys, "train", "--epochs", 2, "--out", files[0], "--log", files[1],
                         "--plot", files[2], "--workers", 1)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == ("training seed (30,074 parameters) on cpu in 1 process: 640 pictures, "
                        "2 epochs")
    assert lines[1].startswith("epoch 1/2  loss 2.")
    assert "test accuracy" in lines[2]
    assert lines[3] == f"saved in {files[0]}"
    log = [json.loads(line) for line in files[1].read_text().splitlines()]
    assert [each["epoch"] for each in log] == [1, 2]
    assert log[0].keys() == {"epoch", "loss", "test_accuracy", "seconds"}
    assert files[2].read_bytes().startswith(b"\x89PNG")
    _, header = checkpoint.read(files[0])
    assert header["model"] == "seed"
    assert json.loads(header["recipe"])["lr"] == 0.2


def test_train_json_is_one_object_on_stdout(capsys, few_pictures, tmp_path):
    code, out, err = run(capsys, "train", "--epochs", 1, "--model", "mlp", "--json",
                         "--out", tmp_path / "w")
    told = json.loads(out)
    assert code == 0
    assert told.keys() >= {"test_accuracy", "seconds_per_epoch", "loss", "parameters"}
    assert told["parameters"] == 784 * 64 + 64 + 64 * 10 + 10
    assert "epoch 1/1" in err


@pytest.mark.slow
def test_the_same_seed_gives_the_same_file_and_another_another(capsys, few_pictures, tmp_path):
    for name, seed in [("a", 3), ("b", 3), ("c", 4)]:
        assert run(capsys, "train", "--epochs", 1, "--seed", seed, "--out", tmp_path / name)[0] == 0
    a, b, c = (checkpoint.read(tmp_path / name)[0] for name in "abc")
    assert all(np.array_equal(a[key], b[key]) for key in a)
    assert not any(np.array_equal(a[key], c[key]) for key in a)


@pytest.mark.slow
def test_resume_goes_on_to_more_epochs(capsys, few_pictures, tmp_path):
    together, apart = tmp_path / "together", tmp_path / "apart"
    run(capsys, "train", "--epochs", 3, "--out", together, "--log", tmp_path / "one")
    run(capsys, "train", "--epochs", 1, "--out", apart, "--log", tmp_path / "two")
    code, out, _ = run(capsys, "train", "--epochs", 3, "--out", apart, "--resume",
                       "--log", tmp_path / "two")
    assert code == 0
    assert out.startswith(f"going on from {apart}.resume: 1 epoch\n")
    a, b = (checkpoint.read(path)[0] for path in (together, apart))
    assert all(np.array_equal(a[key], b[key]) for key in a)
    assert len((tmp_path / "two").read_text().splitlines()) == 3


@pytest.mark.slow
def test_who_is_killed_while_saving_loses_nothing(capsys, few_pictures, monkeypatch, tmp_path):
    """Between the two files of the last epoch: --resume makes what is missing."""
    command = ("train", "--epochs", 2, "--out", tmp_path / "w")
    save, saved = checkpoint.save, []

    def save_once(*arguments):
        saved.append(arguments)
        if len(saved) == 2:
            raise KeyboardInterrupt
        save(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save", save_once)
        assert run(capsys, *command)[0] == 1
    assert run(capsys, *command, "--resume")[0] == 0
    undisturbed = ("train", "--epochs", 2, "--out", tmp_path / "v")
    run(capsys, *undisturbed)
    assert (tmp_path / "w").read_bytes() == (tmp_path / "v").read_bytes()
    (tmp_path / "w").unlink()  # and once more, with nothing left to train
    assert run(capsys, *command, "--resume")[0] == 0
    assert (tmp_path / "w").read_bytes() == (tmp_path / "v").read_bytes()


def test_resume_of_what_has_come_further_is_refused(capsys, few_pictures, tmp_path):
    command = ("train", "--model", "linear", "--out", tmp_path / "w")
    run(capsys, *command, "--epochs", 3)
    before = (tmp_path / "w").read_bytes()
    code, out, err = run(capsys, *command, "--epochs", 2, "--resume", "--json")
    assert (code, out) == (1, "")
    assert "w.resume has come further than 2 epochs: 3 epochs. Ask for more with --epochs" in err
    assert (tmp_path / "w").read_bytes() == before


def test_a_loss_that_is_no_number_is_told_in_one_line(capsys, few_pictures, tmp_path):
    code, _, err = run(capsys, "train", "--model", "linear", "--lr", 1e38, "--out", tmp_path / "w",
                       "--workers", 1)
    assert code == 1
    assert err == ("tinygrad-mnist: the loss is not a number any more in epoch 1: a smaller "
                   "learning rate helps\n")


def test_an_epoch_is_saved_before_it_is_told(few_pictures, monkeypatch, tmp_path):
    def print_to_nobody(text):
        if text.startswith("epoch"):
            raise BrokenPipeError

    monkeypatch.setattr(train, "speaker", lambda json_only: print_to_nobody)
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # which main closes
    assert cli.main(["train", "--epochs", "2", "--out", str(tmp_path / "w"), "--log",
                     str(tmp_path / "log")]) == 1
    assert models.read(tmp_path / "w")[1]["trained"] == '{"epochs": 1, "batches": 0}'
    assert (tmp_path / "w.resume").exists()
    assert len((tmp_path / "log").read_text().splitlines()) == 1


def test_resume_of_another_recipe_or_of_nothing_changes_nothing(capsys, few_pictures, tmp_path):
    out_file = tmp_path / "w"
    code, _, err = run(capsys, "train", "--out", out_file, "--resume")
    assert code == 1
    assert "there is no file" in err
    run(capsys, "train", "--epochs", 1, "--out", out_file)
    before = out_file.read_bytes()
    code, _, err = run(capsys, "train", "--out", out_file, "--resume", "--lr", 0.1)
    assert code == 1
    assert "lr was 0.2, now 0.1" in err
    assert out_file.read_bytes() == before


def test_a_recipe_is_followed_and_written_into_the_file(capsys, few_pictures, tmp_path,
                                                        monkeypatch):
    recipe = dataclasses.replace(RECIPES["mlp"], held_out=40, doodles=0.1)
    monkeypatch.setitem(RECIPES, "mlp", recipe)
    (tmp_path / "d.jsonl").write_text(json.dumps({"label": 1, "strokes": [[[1, 1], [1, 90]]]}))
    code, out, _ = run(capsys, "train", "--recipe", "mlp", "--epochs", 2, "--out", tmp_path / "w",
                       "--drawn", tmp_path / "d.jsonl")
    assert code == 0
    assert out.startswith("training mlp (50,890 parameters) on cpu in 1 process: 660 pictures, 2 ")
    _, header = checkpoint.read(tmp_path / "w")
    assert json.loads(header["recipe"]) == recipe.as_dict() | {"epochs": 2}
    assert json.loads(header["trained"]) == {"epochs": 2, "batches": 0}
    model = models.load(tmp_path / "w")
    held_out, labels = recipe.make_held_out(few(train=True))
    with threadpool_limits(1, user_api="blas"):  # as a recipe has it
        found = confidence.fit(training.predict(model, held_out), labels)
    assert confidence.of(header) == found
    assert float(header["drawn_accuracy"]) in (0, 1)


def test_a_recipes_file_does_not_depend_on_how_many_threads_there_are(
        capsys, few_pictures, short_recipe, tmp_path, monkeypatch):
    files = set()
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            assert run(capsys, "train", "--recipe", "linear", "--out", tmp_path / "w")[0] == 0
        files.add((tmp_path / "w").read_bytes())
    assert len(files) == 1
    during = []
    monkeypatch.setattr(training, "fit", lambda *_, **__: during.extend(
        pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"))
    assert run(capsys, "train", "--recipe", "linear", "--out", tmp_path / "w")[0] == 1  # no epoch
    assert set(during) == {1}


@pytest.mark.slow
def test_without_a_recipe_it_is_the_talks(capsys, few_pictures, tmp_path):
    run(capsys, "train", "--out", tmp_path / "w", "--workers", 1)
    _, header = checkpoint.read(tmp_path / "w")
    assert json.loads(header["recipe"]) == TALK.as_dict() | {"workers": 1}


@pytest.fixture
def short_recipe(monkeypatch):
    """A recipe with all that has a state: a cycle, momentum, dropout and augmentation."""
    recipe = Recipe("linear", epochs=3, optimizer="Adam", lr=1e-2, one_cycle=True, workers=1,
                    augment=(RandomAffine(10, 1),))
    monkeypatch.setitem(RECIPES, "linear", recipe)


@pytest.mark.parametrize("batches", [3, 10, 14])
def test_a_recipe_is_taken_up_again(capsys, few_pictures, short_recipe, tmp_path, monkeypatch,
                                    batches):
    whole, apart = tmp_path / "whole", tmp_path / "apart"
    run(capsys, "train", "--recipe", "linear", "--out", whole)

    @contextlib.contextmanager
    def interrupted():
        asked = iter(range(1, batches))
        yield lambda: next(asked, None) is None

    with monkeypatch.context() as patched:
        patched.setattr(train, "_interrupt", interrupted)
        code, _, err = run(capsys, "train", "--recipe", "linear", "--out", apart)
    assert code == 1
    assert "The same command with --resume goes on" in err
    code, out, _ = run(capsys, "train", "--recipe", "linear", "--out", apart, "--resume")
    assert code == 0
    assert "going on from" in out
    (ours, our_header), (theirs, their_header) = map(checkpoint.read, (apart, whole))
    assert all(np.array_equal(ours[key], theirs[key]) for key in theirs)
    assert our_header == their_header


def test_habits_are_added_to_the_training_pictures_only(capsys, tmp_path, monkeypatch):
    def fit(model, loader, *others, test, progress, **options):
        given.extend([loader.dataset.images, test.images])
        progress.epoch, progress.history = 1, [training.Epoch(1, 0.0, 0.5, 1.0)]

    given = []
    monkeypatch.setattr(train, "mnist", few)
    monkeypatch.setattr(training, "fit", fit)
    monkeypatch.setitem(RECIPES, "linear", Recipe("linear", epochs=1, habits=0.5, seed=3))
    assert run(capsys, "train", "--recipe", "linear", "--out", tmp_path / "w")[0] == 0
    before = few(train=True)
    np.testing.assert_array_equal(given[0][:640], before.images)
    assert len(given[0]) > 640
    np.testing.assert_array_equal(given[1], few(train=False).images)


def test_a_cycle_cannot_be_made_longer_once_begun(capsys, few_pictures, short_recipe, tmp_path):
    run(capsys, "train", "--recipe", "linear", "--out", tmp_path / "w")
    code, _, err = run(capsys, "train", "--recipe", "linear", "--out", tmp_path / "w", "--resume",
                       "--epochs", 4)
    assert code == 1
    assert "epochs was 3, now 4" in err


# --- ladder ------------------------------------------------------------------------------


def test_the_ladder_shows_each_step_and_each_network(capsys, few_pictures, weights, monkeypatch):
    drawings = weights.parent / "drawn.jsonl"
    drawings.write_text('{"label": 7, "strokes": [[[0, 0], [6, 0], [2, 9]]]}\n')
    monkeypatch.setattr(measure, "shipped", lambda: {"seed": weights})
    code, out, _ = run(capsys, "ladder", "--drawn", drawings)
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == f"seed on the 1 drawing of {drawings}"
    assert [line[:9].strip() for line in lines[2:8]] == [*ladder.STEPS, "same pen"]
    assert lines[9].split() == ["model", "parameters", "MNIST", "drawn"]
    assert lines[10].split()[:2] == ["seed", "30,074"]

    _, out, _ = run(capsys, "ladder", "--drawn", drawings, "--json")
    told = json.loads(out)
    assert [each["step"] for each in told["steps"]] == [*ladder.STEPS, "same pen"]
    assert told["models"][0]["drawn"] in (0, 1)


def test_without_drawings_the_ladder_compares_the_networks(capsys, few_pictures, weights,
                                                           monkeypatch):
    monkeypatch.setattr(measure, "shipped", lambda: {"seed": weights})
    _, out, _ = run(capsys, "ladder")
    assert out.splitlines()[0].split() == ["model", "parameters", "MNIST"]


def test_no_shipped_weights_are_told(capsys, monkeypatch):
    monkeypatch.setattr(measure, "shipped", dict)
    code, _, err = run(capsys, "ladder")
    assert code == 1
    assert "there is no seed.safetensors in" in err


# --- evaluate ----------------------------------------------------------------------------


def test_evaluate_one_file_tells_each_digit(capsys, few_pictures, weights):
    code, out, _ = run(capsys, "evaluate", weights)
    lines = out.splitlines()
    assert code == 0
    assert lines[2] == "digit  pictures  right  accuracy"
    assert [line.split()[0] for line in lines[3:14]] == [*"0123456789", "all"]
    assert " was read as " in lines[-1]


def test_evaluate_several_files_compares_them(capsys, few_pictures, weights, tmp_path):
    checkpoint.save(models.create("linear"), tmp_path / "linear")
    code, out, _ = run(capsys, "evaluate", weights, tmp_path / "linear")
    lines = out.splitlines()
    assert code == 0
    assert "ms per picture" in lines[2]
    assert "30,074" in lines[3]
    assert "7,850" in lines[4]


def test_evaluate_json(capsys, few_pictures, weights):
    _, out, _ = run(capsys, "evaluate", weights, "--json")
    (told,) = json.loads(out)["models"]
    assert sum(each["right"] for each in told["per_digit"]) == round(told["accuracy"] * 300)
    assert told["pictures"] == 300


def test_evaluate_drawings(capsys, weights, tmp_path):
    drawings = tmp_path / "drawn.jsonl"
    drawings.write_text('{"label": 1, "strokes": [[[5, 0], [5, 9]]]}\n\n'
                        '{"label": 7, "strokes": [[[0, 0], [6, 0], [2, 9]]]}\n')
    code, out, _ = run(capsys, "evaluate", weights, "--drawn", drawings)
    assert code == 0
    assert out.startswith(f"{weights} on the 2 drawings of {drawings}\n")


# --- confidence --------------------------------------------------------------------------


@pytest.fixture
def modest(tmp_path):
    """A file of (untrained) weights that knows it is never sure."""
    checkpoint.save(models.create("linear"), tmp_path / "modest.safetensors",
                    {"temperature": "2.0", "threshold": "0.9"})
    return tmp_path / "modest.safetensors"


def test_confidence_tells_what_promises_are_worth(capsys, few_pictures, modest, tmp_path):
    (tmp_path / "d.jsonl").write_text(json.dumps({"label": 1, "strokes": [[[1, 1], [1, 90]]]}))
    code, out, _ = run(capsys, "confidence", modest, "--drawn", tmp_path / "d.jsonl",
                       "--plot", tmp_path / "r.png")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].endswith('temperature 2.00; "not sure" below a probability of 90.0%')
    assert [line[:22].strip() for line in lines[3:5]] == ["MNIST's test pictures", "drawings"]
    assert lines[-1].startswith("not sure of 100% of scribbles, 100% of hatchings, ")
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")


def test_who_is_never_sure_is_told_so(capsys, few_pictures, tmp_path):
    checkpoint.save(models.create("linear"), tmp_path / "w", {"threshold": "1.0000000000000002"})
    lines = run(capsys, "confidence", tmp_path / "w")[1].splitlines()
    assert lines[0].endswith("never sure: no threshold makes its answers right often enough")
    assert lines[3].split()[-2:] == ["0.00%", "-"]


def test_confidence_json(capsys, few_pictures, weights):
    told = json.loads(run(capsys, "confidence", weights, "--json")[1])
    assert (told["temperature"], told["threshold"]) == (1, 0)
    (measured,) = told["measured"].values()
    assert (measured["pictures"], measured["answered"]) == (300, 1)
    assert measured["right_when_answered"] == measured["accuracy"]
    assert set(told["refused"].values()) == {0}


# --- predict -----------------------------------------------------------------------------


def test_predict_says_when_it_is_not_sure(capsys, few_pictures, modest):
    assert "a 7: not sure, perhaps" in run(capsys, "predict", modest, "--test", 1)[1]
    (told,) = json.loads(run(capsys, "predict", modest, "--test", 1, "--json")[1])
    assert told["sure"] is False
    assert sum(told["probabilities"]) == pytest.approx(1)


def test_predict_reads_picture_files(capsys, weights, tmp_path):
    picture = np.zeros((28, 28), np.uint8)
    picture[4:24, 12:15] = 255
    Image.fromarray(picture).save(tmp_path / "one.png")
    code, out, _ = run(capsys, "predict", weights, tmp_path / "one.png")
    assert code == 0
    assert out.startswith(f"{tmp_path / 'one.png'}: read as ")
    assert out.count("%  ") + out.count("%\n") >= 10
    _, out, _ = run(capsys, "predict", weights, tmp_path / "one.png", "--json")
    (told,) = json.loads(out)
    assert sum(told["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert told["digit"] == int(np.argmax(told["probabilities"]))


def test_predict_reads_test_pictures(capsys, few_pictures, weights):
    _, out, _ = run(capsys, "predict", weights, "--test", 2)
    assert "test picture 0, a 7: read as" in out
    assert "test picture 1, a 2: read as" in out
    assert "@" in out  # the picture itself, as text
    assert (shared.a_digit(7), shared.a_digit(8)) == ("a 7", "an 8")


def test_a_picture_is_drawn_as_text():
    picture = np.zeros((28, 28))
    picture[0:2, 0] = 1
    picture[2, 27] = 1
    lines = read.as_text(picture)
    assert len(lines) == 14
    assert lines[0] == "@" + " " * 27
    assert lines[1][27] not in " @"


# --- what goes wrong ---------------------------------------------------------------------


WRONG_USE = [
    ([], "COMMAND"),
    (["fly"], "invalid choice"),
    (["train", "--epochs", "0"], "whole number from 1 on, not 0"),
    (["train", "--epochs", "many"], "whole number from 1 on, not many"),
    (["train", "--lr", "-1"], "must be a number above 0"),
    (["train", "--lr", "nan"], "must be a number above 0"),
    (["train", "--seed", "-3"], "whole number from 0 on"),
    (["train", "--model", "transformer"], "invalid choice: 'transformer'"),
    (["train", "--recipe", "soup"], "invalid choice: 'soup'"),
    (["evaluate"], "FILE"),
    (["predict", "weights"], "name picture files, or say --test 3"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG_USE)
def test_wrong_use_is_2(capsys, arguments, said):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert said in err


def make_wrong_files(folder):
    (folder / "text").write_text("not a picture, not weights")
    Image.new("L", (40, 40), 255).save(folder / "blank.png")
    (folder / "bad.jsonl").write_text('{"label": 3, "strokes": [[[0, 0], [1, 1]]]}\n{"label": 30}')
    (folder / "empty.jsonl").write_text("")
    (folder / "latin.jsonl").write_bytes(b"\xff\xfe{")
    (folder / "cut.png").write_bytes((folder / "blank.png").read_bytes()[:60])
    broken = models.create("linear")
    broken[1].bias.data[0] = np.nan
    checkpoint.save(broken, folder / "broken.safetensors")


WRONG_FILES = [
    ("evaluate nowhere", "there is no file nowhere"),
    ("evaluate text", "text is not a whole safetensors file"),
    ("evaluate .", ". is a folder"),
    ("evaluate seed.safetensors --drawn nowhere", "nowhere: No such file"),
    ("evaluate seed.safetensors --drawn bad.jsonl", "bad.jsonl, line 2: not a drawing"),
    ("evaluate seed.safetensors --drawn empty.jsonl", "holds no drawings"),
    ("predict seed.safetensors nowhere.png", "nowhere.png: No such file"),
    ("predict seed.safetensors text", "text: this is not a picture"),
    ("predict seed.safetensors blank.png", "blank.png: there is no ink"),
    ("train --batch-size 60001", "a batch of 60,001 cannot be filled from 60,000 pictures"),
    ("train --out nowhere/w", "nowhere/w cannot be written"),
    ("train --plot nowhere/c.png", "nowhere/c.png cannot be written"),
    ("train --plot c.xyz", "c.xyz is no name of a picture: it ends in .png, .svg or .pdf"),
    ("train --out a --log a", "a cannot be two files at once"),
    ("train --out /proc/w", "/proc/w cannot be written"),
    ("predict seed.safetensors --test 1 --plot .", ". cannot be written: it is a folder"),
    ("predict seed.safetensors cut.png", "cut.png: "),
    ("predict broken.safetensors --test 1 --json", "broken.safetensors gives no numbers"),
    ("evaluate seed.safetensors --drawn latin.jsonl", "latin.jsonl holds no drawings"),
    ("confidence seed.safetensors --plot nowhere/r.png", "nowhere/r.png cannot be written"),
    ("train --device cuda:99", "device 'cuda:99'"),
    ("train --device tpu", "no device is called 'tpu'"),
]


@pytest.mark.parametrize(("command", "said"), WRONG_FILES)
def test_what_a_person_can_cause_is_1_and_one_line(capsys, weights, monkeypatch, command, said):
    monkeypatch.chdir(weights.parent)
    make_wrong_files(weights.parent)
    code, _, err = run(capsys, *command.split())
    assert code == 1
    assert err.startswith("tinygrad-mnist: ")
    assert err.count("\n") == 1
    assert said in err


def test_traceback_on_demand(weights):
    with pytest.raises(FileNotFoundError):
        cli.main(["--traceback", "evaluate", "nowhere"])


def test_a_reader_that_goes_away_is_no_disaster(weights):
    """`tinygrad-mnist predict ... | head -1`."""
    command = " ".join([*PROGRAM, "predict", str(weights), "--test", "200", "|", "head", "-1"])
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("test picture 0, a 7: read as")
    assert "Traceback" not in done.stderr


# --- the real command on all of MNIST ----------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2], ids=["Ctrl-C", "Ctrl-C twice"])
def test_ctrl_c_saves_and_says_where(tmp_path, times):
    """Interrupted in the middle of an epoch; going on gives what an undisturbed run gives."""
    command = [*PROGRAM, "train", "--model", "linear", "--epochs", "6", "--out"]
    process = subprocess.Popen([*command, "w"], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert process.stdout.readline().startswith("training linear")
    time.sleep(0.3)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    if times == 2:  # at once: whether it could still save depends on the moment
        return
    assert "of 937 batches; saved in w. The same command with --resume goes on" in err

    def finish(name, *options):
        subprocess.run([*command, name, *options], cwd=tmp_path, check=True, timeout=120,
                       env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)
        return checkpoint.read(tmp_path / name)[0]

    resumed, undisturbed = finish("w", "--resume"), finish("v")
    assert all(np.array_equal(resumed[key], undisturbed[key]) for key in resumed)


@pytest.mark.slow
def test_the_talks_recipe_reaches_the_accuracy_of_pytorch(trained_thrice):
    """`train` at its defaults: three seeds average at least 98.3 % on the test set.

    With so large a learning rate the end is a matter of luck, in PyTorch too (97.8 to 98.7 %).
    Measured, seeds 0 to 5 gave 98.4, 97.8, 98.3, 98.4, 98.4 and 98.1 %.
    """
    _, told = trained_thrice
    accuracies = [each["test_accuracy"] for each in told]
    assert np.mean(accuracies) >= 0.983, accuracies
    assert all(each["epochs"] == 5 for each in told)
