"""What all tests share: devices, drawings to measure on, and a CI that does not skip in silence."""

import os
from pathlib import Path

import pytest
from comparing import DEVICES, computing_on, here

import tinygrad_mnist as tg
from tinygrad_mnist import cuda

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


@pytest.fixture
def drawings():
    """The file of digits drawn with a pen that TINYGRAD_MNIST_DRAWN names."""
    named = os.environ.get("TINYGRAD_MNIST_DRAWN", "")
    if not Path(named).is_file():
        pytest.skip("no drawings: TINYGRAD_MNIST_DRAWN names no file of drawn digits")
    return named
