"""What all tests share: devices, drawings to measure on, the talk's network trained as the talk has
it, and a CI that does not skip in silence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from comparing import DEVICES, computing_on, here

import tinygrad_mnist as tg
from tinygrad_mnist import cuda, handwriting

ROOT = Path(__file__).parent.parent

MAY_BE_SKIPPED_IN_CI = ("no GPU: ", "no drawings: ")


def pytest_collection_modifyitems(config, items):
    """Without a GPU one of the tests that need one is skipped, and says so for them all."""
    waiting = [item for item in items if item.get_closest_marker("gpu")]
    reason = cuda.why_not() if waiting else None
    if reason:
        told = f"no GPU: {reason} ({len(waiting):,} tests wait for one)"
        waiting[0].add_marker(pytest.mark.skip(reason=told))
        config.hook.pytest_deselected(items=waiting[1:])
        items[:] = [item for item in items if item not in set(waiting[1:])]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI a test that is skipped for any other reason has failed: it should have run."""
    report = yield
    if report.skipped and os.environ.get("CI") and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not reason.startswith(MAY_BE_SKIPPED_IN_CI):
            report.outcome, report.longrepr = "failed", f"skipped in CI: {reason}"
    return report


@pytest.fixture(autouse=True)
def the_same_random_numbers():
    """Each test begins with the same ones, ours and torch's, whatever has run before it."""
    tg.manual_seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="module", params=DEVICES)
def every_device(request):
    """Each test on each device, and the tensors that its module has made moved there."""
    made = [each for each in vars(request.module).values() if isinstance(each, tg.Tensor)]
    before = [each.data for each in made]
    with computing_on(request.param):
        for each in made:
            each.data = here(each.data).data
        yield
    for each, data in zip(made, before, strict=True):
        each.data = data


@pytest.fixture(scope="session")
def drawings():
    """Digits drawn with a pen, and their labels, from the file TINYGRAD_MNIST_DRAWN names."""
    named = os.environ.get("TINYGRAD_MNIST_DRAWN", "")
    if not Path(named).is_file():
        pytest.skip("no drawings: TINYGRAD_MNIST_DRAWN names no file of drawn digits")
    pictures, labels = handwriting.read_drawings(named)
    return tg.TensorDataset(pictures[:, None], labels)


@pytest.fixture(scope="session")
def trained_thrice(tmp_path_factory):
    """`train` at its defaults, with three seeds: the files of weights, and what it told as JSON."""
    folder, files, told = tmp_path_factory.mktemp("trained"), [], []
    for seed in (0, 3, 4):
        files.append(folder / f"{seed}.safetensors")
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "tinygrad_mnist", "train", "--json",
             "--seed", str(seed), "--out", files[-1]],
            cwd=folder, check=True, capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)})
        told.append(json.loads(done.stdout))
    return files, told
