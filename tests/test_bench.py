"""The benchmark: that it runs, says what it promises, and counts rightly. No test judges a time."""

import contextlib
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks import chart, gpu, report, rounds, sections, stopwatch
from benchmarks.comparison import Comparison, compare
from benchmarks.contenders import floor
from benchmarks.pictures import COUNT, Pictures, fresh_weights

import tinygrad_mnist as tg
from tinygrad_mnist import cli, cuda

ROOT = Path(__file__).parent.parent
LIBRARIES = {"torch": "pytorch", "jax": "jax", "tinygrad": "tinygrad", "mygrad": "mygrad"}


def bench(*arguments, path=""):
    """What the quick benchmark says on stdout and stderr."""
    python_path = os.pathsep.join([str(ROOT), str(path)])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tinygrad_mnist", "bench", "--quick", *arguments],
        env=os.environ | {"PYTHONPATH": python_path}, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def check(told, names):
    """What holds for every run, however fast; names: those who must have trained."""
    assert told["machine"].keys() == {"date", "processor", "cores", "system", "python", "numpy",
                                      "blas", "pytorch", "environment"}
    for each in told["comparisons"]:
        assert min(each["ours"], each["theirs"], each["ratio"], *each["middle_half"]) > 0, each
        aim = each["target"]
        assert each["met"] == (None if aim is None else each["ratio"] <= aim)
        assert each["middle_half"][0] <= each["ratio"] <= each["middle_half"][1]
    assert set(told["growth"]["batch_size"]) == set(told["growth"]["size"]) == set(told["memory"])
    for costs in told["growth"]["batch_size"].values():
        assert list(costs) == ["1", "64"]
        assert costs["64"] == 1
        assert min(costs.values()) > 0
    for costs in told["growth"]["size"].values():
        assert list(costs) == ["28", "56"]
        assert costs["28"] == 1
    for peaks in told["memory"].values():
        assert 0 < peaks["0"] <= peaks["4"] <= peaks["8"]
    assert names <= set(told["peers"])
    assert min(told["peers"].values()) > 0
    assert told["rounds"] > 0
    assert told["seconds"] > 0


@pytest.mark.slow
def test_the_quick_benchmark_measures_everything(tmp_path):
    pytest.importorskip("torch")
    out, err = bench("--json", "--plot", str(tmp_path / "chart.png"))
    told = json.loads(out)
    check(told, {sections.OURS, sections.FIT, sections.EAGER, sections.BEST, sections.FLOOR})
    assert [(each["what"], each["beside"], each["target"]) for each in told["comparisons"]] == [
        ("training step, plain loop", "PyTorch eager", 0.65),
        ("training step, plain loop", "PyTorch at its best", 0.95),
        ("training step, training.fit", "PyTorch eager", 0.55),
        ("training step, training.fit", "PyTorch at its best", 0.8),
        ("training step, training.fit", "the matrix products alone", 1.8),
        ("the matrix products alone", "PyTorch at its best", None),
        ("one picture read", "PyTorch eager", 0.7),
        ("one picture read", "bare NumPy", None),
        ("one picture, bare NumPy", "PyTorch eager", None),
        ("1,000 pictures read at once", "PyTorch eager", 0.6),
        ("1,000 operations on numbers", "PyTorch eager", 0.8),
        ("1,000 operations on numbers", "bare NumPy", None),
        ("on numbers, bare NumPy", "PyTorch eager", None),
        ("1,000 operations on 8 elements", "PyTorch eager", 0.8),
        ("1,000 operations on 8 elements", "bare NumPy", None),
        ("on 8 elements, bare NumPy", "PyTorch eager", None),
        ("import tinygrad_mnist", "import numpy", 1.3),
        ("highest memory in a training", "PyTorch eager", 1.0),
    ]
    assert told["best_setting"]
    full = sections.FULL  # of which a quick run makes the first steps
    assert (full.batch_sizes, full.picture_sizes) == ((1, 4, 16, 64, 256, 1024), (28, 56, 112))
    assert set(told["memory"]) == {sections.OURS, sections.EAGER}
    assert set(told["skipped"]) <= {"jax", "tinygrad", "mygrad"}
    assert all(f"{library} is not measured: {reason}" in err
               for library, reason in told["skipped"].items())
    assert "the numbers mean nothing" in err
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_who_is_not_installed_is_left_out_and_named(tmp_path):
    for name in LIBRARIES:
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError('no {name} here')")
    out, err = bench("--json", path=tmp_path)
    told = json.loads(out)
    check(told, {sections.OURS, sections.FIT, sections.FLOOR})
    assert [(each["what"], each["beside"]) for each in told["comparisons"]] == [
        ("training step, training.fit", "the matrix products alone"),
        ("one picture read", "bare NumPy"),
        ("1,000 operations on numbers", "bare NumPy"),
        ("1,000 operations on 8 elements", "bare NumPy"),
        ("import tinygrad_mnist", "import numpy"),
    ]
    assert told["skipped"] == {library: f"ModuleNotFoundError: no {name} here"
                               for name, library in LIBRARIES.items()}
    assert "pytorch is not measured: ModuleNotFoundError: no torch here" in err


def test_outside_a_clone_there_is_no_benchmark(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tinygrad_mnist.commands.bench.__file__",
                        str(tmp_path / "package" / "commands" / "bench.py"))
    assert cli.main(["bench"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == ("tinygrad-mnist: the benchmark is run from a clone of the repository: "
                           "it is in tests/benchmarks, which is not installed with the package\n")


def test_a_chart_that_cannot_be_written_is_told_before_measuring(capsys, tmp_path):
    assert cli.main(["bench", "--plot", str(tmp_path / "nowhere" / "chart.png")]) == 1
    assert "cannot be written" in capsys.readouterr().err


# --- on a GPU ----------------------------------------------------------------------------


def test_without_a_gpu_it_says_why(capsys, monkeypatch):
    monkeypatch.setattr(cuda, "why_not", lambda: "there is no card in this box")
    assert cli.main(["bench", "--device", "cuda"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == ("tinygrad-mnist: device 'cuda' cannot be used: there is no card in this "
                           "box\n")


class FakeRun:
    """A benchmark in which every step takes 2 ms, and PyTorch's 1 ms."""

    def __init__(self, *, torch=True):
        self.torch, self.seen, self.plan = torch, [], sections.QUICK

    @contextlib.contextmanager
    def ready(self, tasks):
        self.seen += tasks.values()
        yield {name: name for name, task in tasks.items() if self.torch or task[0] != "pytorch"}

    def measure(self, workers, effort=1):
        return {name: [1.0 if name == sections.EAGER else 2.0] * 3 for name in workers}


RATES = {kind: {"copy": 2e12, "product": 5e13, "launch": 4e-6, "floor at 64": 0.02,
                "floor at 1024": 0.3} for kind in ("float32", "TF32")}


def test_on_a_gpu_it_trains_and_reads_beside_pytorch_and_the_floor():
    run = FakeRun()
    told = [*gpu.compare_steps(run, RATES, "cuda:0"), *gpu.compare_reading(run, "cuda:0")]
    assert [(each.what, each.beside, each.ratio) for each in told] == [
        *[(f"step, {kind}, {what}", beside, ratio) for kind in RATES for what, beside, ratio in [
            ("64 at once", sections.EAGER, 2), ("64 at once, fit", sections.EAGER, 2),
            ("64 at once", "the floor", 2 / 0.02), ("1,024 at once", sections.EAGER, 2),
            ("1,024 at once", "the floor", 2 / 0.3)]],
        *[(f"{count} pictures read at once", sections.EAGER, 2)
          for count in ("1", "16", "64", "256", "1,024", "4,096")]]
    assert {task[2]["device"] for task in run.seen} == {"cuda:0"}
    assert {task[2].get("tf32") for task in run.seen} == {False, True, None}


def test_on_a_gpu_without_pytorch_there_is_still_the_floor():
    run = FakeRun(torch=False)
    assert {each.beside for each in gpu.compare_steps(run, RATES, "cuda:0")} == {"the floor"}
    assert list(gpu.compare_reading(run, "cuda:0")) == []


def test_what_a_card_can_do_is_told():
    card = {"name": "a card", "cupy": "14.2.0", "cuda": 12090, "driver": 13000}
    assert gpu.card_text(card, RATES).splitlines() == [
        "card       a card, CuPy 14.2.0, CUDA 12090, driver for 13000",
        "launching  4.0 microseconds for an operation on one number",
        *[f"{kind:10} copies 2,000 GB/s, products 50.00 TFLOP/s; floor of a step: 0.02 ms at 64, "
          "0.3 ms at 1,024" for kind in RATES]]


def test_what_a_library_knows_of_a_gpu_that_is_not_there():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("no GPU: is what this is about, and here is one")
    from benchmarks.contenders import pytorch

    with pytest.raises(RuntimeError, match="finds no GPU"):
        pytorch.step(None, device="cuda")


# --- how it counts -----------------------------------------------------------------------


def test_the_first_third_of_a_turn_is_left_out():
    slow_then_fast = [0.0, 5.0, 10.0, *np.arange(11.0, 31.0)]
    assert stopwatch.milliseconds(slow_then_fast) == pytest.approx(1000)
    assert stopwatch.milliseconds([0.0, 7.0, 8.0]) == pytest.approx(1000)
    assert stopwatch.milliseconds([0.0, 1.0]) == pytest.approx(1000)


def test_a_step_is_repeated_until_the_time_is_over_and_at_least_twice():
    calls = []
    times = stopwatch.repeated(lambda: calls.append(1))(0)
    assert len(calls) == 2
    assert len(times) == 3
    assert times == sorted(times)


def test_what_is_only_asked_for_is_waited_for_now_and_then():
    done = []
    times = stopwatch.repeated(lambda: done.append("asked"), lambda: done.append("waited"), 3)(0)
    assert done == ["asked", "asked", "asked", "waited"]
    assert np.diff(times) == pytest.approx([(times[-1] - times[0]) / 3] * 3, abs=1e-9)


def test_a_turn_tells_how_busy_others_were():
    taken, others = stopwatch.timed(stopwatch.repeated(lambda: None), 0.01)
    assert taken > 0
    assert others >= 0


def test_a_ratio_is_the_median_of_the_rounds_ratios():
    compared = Comparison("it", [1.0, 20.0, 3.0], "theirs", [2.0, 10.0, 4.0], target=0.75)
    assert compared.ratios == [0.5, 2.0, 0.75]
    assert compared.ratio == 0.75
    assert compared.middle_half == (0.625, 1.375)
    assert compared.met
    assert Comparison("it", [3.1], "theirs", [4.0], target=0.75).met is False
    assert Comparison("it", [3.1], "theirs", [4.0]).met is None
    assert " ".join(report.comparison_text(compared).split()) == (
        "it 3 ms theirs 4 ms 0.75 0.62 to 1.38 0.75 met")


def test_what_misses_a_side_is_not_compared():
    assert list(compare("it", {"a": [1.0]}, "a", "b")) == []


class FakeWorker:
    """A worker that takes 5 ms for a step, and says how busy others were."""

    def __init__(self, *others):
        self.others = list(others)
        self.asked = 0

    def ask(self, request, seconds):
        self.asked += 1
        return 5.0, self.others.pop(0) if self.others else 0.0


def test_rounds_are_repeated_while_others_are_busy(monkeypatch):
    monkeypatch.setattr(rounds.time, "sleep", lambda seconds: None)
    calm, busy = FakeWorker(), FakeWorker(0.0, 1.0, 1.0)
    workers = {"calm": calm, "busy": busy}
    patience = rounds.Patience(60)
    assert rounds.take_turns(workers, 3, 0.1, patience) == {"calm": [5.0] * 3, "busy": [5.0] * 3}
    assert (patience.rounds, patience.disturbed, patience.repeated) == (3, 0, 2)
    assert calm.asked == 1 + 3 + 2  # one more to warm up


def test_without_patience_a_disturbed_round_counts_and_is_counted():
    patience = rounds.Patience(0)
    workers = {"busy": FakeWorker(0.0, 1.0, 0.0)}
    assert rounds.take_turns(workers, 2, 0.1, patience) == {"busy": [5.0, 5.0]}
    assert (patience.rounds, patience.disturbed, patience.repeated) == (2, 1, 0)


def test_nobody_takes_turns():
    assert rounds.take_turns({}, 3, 0.1, rounds.Patience(0)) == {}


def test_the_floors_compute_what_the_engine_does():
    weights = fresh_weights()
    model = tg.models.create("seed")
    for parameter, value in zip(model.parameters(), itertools.chain(*weights), strict=True):
        parameter.data[...] = value
    images = np.random.default_rng(0).random((1, 1, 28, 28), np.float32)
    first, second = (floor.padded_layer(*pair, size)
                     for pair, size in zip(weights[:2], (28, 14), strict=True))
    with tg.no_grad():
        pooled = model[1](model[0](tg.Tensor(images)))
        np.testing.assert_allclose(first(images[0]), pooled.numpy()[0], atol=1e-5)
        again = model[3](model[2](pooled)).numpy()[0]
    np.testing.assert_allclose(second(pooled.numpy()[0]), again, atol=1e-5)

    for shape in ((), (8,)):
        start, weight, bias = (tg.Tensor(np.full(shape, value, np.float32), requires_grad=True)
                               for value in (1.0, 0.999, 0.001))
        value = start
        for _ in range(500):
            value = value * weight + bias
        value.sum().backward()
        for got, leaf in zip(floor.chained(start.data, weight.data, bias.data),
                             (start, weight, bias), strict=True):
            np.testing.assert_allclose(got, leaf.grad.numpy(), rtol=1e-5)


def test_all_pictures_come_in_batches_of_any_size():
    images = np.random.default_rng(0).random((COUNT, 1, 28, 28), dtype=np.float32)
    pictures = Pictures(images, np.arange(COUNT))
    batches = pictures.batches(64)
    assert len(batches) == 16
    np.testing.assert_array_equal(np.concatenate([batch for batch, _ in batches]), images)
    (large, labels), *_ = pictures.batches(512, size=56)
    assert large.shape == (512, 1, 56, 56)
    assert large.dtype == np.float32
    np.testing.assert_array_equal(large[:, :, 1::2, ::2], images[:512])
    np.testing.assert_array_equal(labels, np.arange(512))


def test_the_chart_is_drawn(tmp_path):
    told = report.Report({"processor": "a processor", "cores": 2, "date": "2000-01-01T00:00"},
                         quick=True, peers={sections.OURS: 6.0, sections.EAGER: 11.0,
                                            sections.FLOOR: 3.0})
    chart.draw(told, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
