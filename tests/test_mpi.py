"""Ranks that mpiexec has started train one model, as one process does; and they end together."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cupy_double
import numpy as np
import pytest

from tinygrad_mnist import (
    DataLoader,
    TensorDataset,
    checkpoint,
    cli,
    cuda,
    manual_seed,
    mpi,
    nn,
    optim,
    tensor,
    training,
)

ROOT = Path(__file__).parent.parent
MPIEXEC = mpi.mpiexec()


def needs_mpi(test):
    """What starts ranks: it is slow, for each rank is a program of its own."""
    missing = pytest.mark.skipif(MPIEXEC is None, reason="no MPI: no mpiexec, or no mpi4py")
    return pytest.mark.slow(missing(test))


# Open MPI wants to be told that root may start programs, and more ranks than there are cores.
ENVIRONMENT = os.environ | {
    "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}

SETTINGS = {"batches of 16, and one of 6": (16, 0.0), "batches of 7": (7, 0.0),
            "batches of 2, fewer than ranks": (2, 0.0), "dropout": (16, 0.5)}


def small_training(batch_size, dropout, device="cpu"):
    """A model, and what `fit` is to be told, for three passes over 70 pictures."""
    numbers = np.random.default_rng(0)
    pictures, labels = numbers.random((70, 1, 6, 6), dtype=np.float32), numbers.integers(0, 4, 70)
    manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Dropout(dropout), nn.Linear(48, 4))
    loader = DataLoader(TensorDataset(pictures, labels), batch_size, shuffle=True, seed=1)
    model.to(device)
    return model, loader, optim.SGD(model.parameters(), lr=0.02, momentum=0.9), 3


def results(**options):
    """For each setting the weights that come out, float32 (W,), then the losses (3,)."""
    found = {}
    for name, setting in SETTINGS.items():
        model, *others = small_training(*setting)
        history = training.fit(model, *others, **options)
        found[name] = np.concatenate([parameter.data.ravel() for parameter in model.parameters()]
                                     + [[epoch.loss for epoch in history]])
    return found


def run(ranks, program, *arguments, folder=ROOT):
    """A Python program in so many ranks: what it printed, and how it ended."""
    return subprocess.run(
        [MPIEXEC, "-n", str(ranks), sys.executable, "-W", "error", "-c", program, *arguments],
        cwd=folder, capture_output=True, text=True, timeout=100, env=ENVIRONMENT)


# --- the same model as one process trains ------------------------------------------------

TRAIN_AND_SAVE = """
import sys, numpy
import test_mpi
from tinygrad_mnist import mpi
with mpi.joined() as team:
    found = test_mpi.results(team=team)
    numpy.savez(f"{sys.argv[1]}/{team.rank} of {team.size}.npz", **found)
"""


def trained_in(ranks, folder):
    """The results of each rank, and what the program has printed."""
    done = run(ranks, TRAIN_AND_SAVE, str(folder))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    found = [np.load(folder / f"{rank} of {ranks}.npz") for rank in range(ranks)]
    return [{name: each[name] for name in SETTINGS} for each in found]


@needs_mpi
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_ranks_train_as_one_process_does_within_rounding(tmp_path, ranks):
    first, *others = trained_in(ranks, tmp_path)
    alone = results()
    for name in SETTINGS:
        assert all(other[name].tobytes() == first[name].tobytes() for other in others)
        if name != "dropout" or ranks == 1:  # which each rank draws for itself
            np.testing.assert_allclose(first[name], alone[name], rtol=1e-5, atol=2e-5)
        else:
            assert np.abs(first[name] - alone[name]).max() > 1e-3


@needs_mpi
@pytest.mark.parametrize("ranks", [2, 4])
def test_one_number_of_ranks_gives_the_same_bits_each_time(tmp_path, ranks):
    once, again = (trained_in(ranks, tmp_path)[0] for _ in range(2))
    assert all(once[name].tobytes() == again[name].tobytes() for name in SETTINGS)
    if ranks == 2:  # a sum of two is the same in either order, so it is that of a fork as well
        forked = results(workers=2)
        assert all(once[name][:-3].tobytes() == forked[name][:-3].tobytes() for name in SETTINGS)


@needs_mpi
def test_ranks_that_begin_with_other_weights_or_batches_are_told(tmp_path):
    done = run(2, """
import test_mpi
from tinygrad_mnist import mpi, training
with mpi.joined() as team:
    model, loader, *others = test_mpi.small_training(16, 0.0)
    if team.rank:
        model[3].bias.data += 1
        loader.seed += 1
    training.fit(model, loader, *others, team=team)
""")
    assert done.returncode == 1
    assert "rank 1 of 2" in done.stderr
    assert "the weights and the batches that this rank begins with are not those" in done.stderr


# --- the end -----------------------------------------------------------------------------


@needs_mpi
@pytest.mark.parametrize("failing", [0, 1])
def test_a_rank_that_fails_ends_all_of_them_and_tells_its_error(failing):
    done = run(2, f"""
import test_mpi
from tinygrad_mnist import mpi, training
with mpi.joined() as team:
    model, loader, *others = test_mpi.small_training(16, 0.0)
    class Failing(type(model)):
        def forward(self, pictures):
            if team.rank == {failing} and len(pictures) == 3:  # its share of a last batch
                raise TypeError("this rank cannot go on")
            return super().forward(pictures)
    model.__class__ = Failing
    training.fit(model, loader, *others, team=team)
    print("it went on")
""")
    assert done.returncode == 1
    assert f"rank {failing} of 2: Traceback" in done.stderr
    assert "TypeError: this rank cannot go on" in done.stderr
    assert "it went on" not in done.stdout


@needs_mpi
def test_an_error_of_all_ranks_is_told_once():
    done = run(2, """
from tinygrad_mnist import mpi
with mpi.joined() as team:
    raise OSError("the disk is full")
""")
    assert done.returncode == 1
    assert done.stderr.count("OSError: the disk is full") == 1


# --- the program -------------------------------------------------------------------------

PROGRAM = """
import sys
from tinygrad_mnist import TensorDataset, cli, datasets, transforms
from tinygrad_mnist.commands import train
def few(train):
    data = datasets.MNIST(train=train, transform=transforms.ToTensor())
    return TensorDataset(*data[:640 if train else 300])
train.mnist = few
sys.exit(cli.main(["train", "--device", "cpu", *sys.argv[1:]]))
"""


@needs_mpi
def test_the_program_in_two_ranks_prints_and_writes_once_and_can_be_resumed(tmp_path):
    begun = run(2, PROGRAM, "--epochs", "1", "--out", "w", "--log", "log", folder=tmp_path)
    assert (begun.returncode, begun.stderr) == (0, "")
    first, epoch, saved = begun.stdout.splitlines()
    assert first == ("training seed (30,074 parameters) on cpu in 2 processes: 640 pictures, "
                     "1 epoch")
    assert epoch.startswith("epoch 1/1  loss 2.")
    assert saved == "saved in w"
    assert {path.name for path in tmp_path.iterdir()} == {"w", "w.resume", "log"}
    assert len((tmp_path / "log").read_text().splitlines()) == 1

    resumed = run(2, PROGRAM, "--epochs", "2", "--out", "w", "--log", "log", "--resume",
                  "--json", folder=tmp_path)
    assert resumed.returncode == 0
    told = json.loads(resumed.stdout)
    assert (told["workers"], told["epochs"]) == (2, 2)
    assert resumed.stderr.splitlines()[0] == "going on from w.resume: 1 epoch"
    assert len((tmp_path / "log").read_text().splitlines()) == 2

    # Two processes of the usual kind make the same network of it, bit for bit.
    subprocess.run([sys.executable, "-c", PROGRAM, "--epochs", "2", "--out", "forked",
                    "--workers", "2"], cwd=tmp_path, check=True, capture_output=True, timeout=100,
                   env=ENVIRONMENT)
    ours, theirs = (checkpoint.read(tmp_path / name)[0] for name in ("w", "forked"))
    assert all(np.array_equal(ours[key], theirs[key]) for key in theirs)


@needs_mpi
@pytest.mark.parametrize(("arguments", "told"), [
    (["--resume"], "there is no file w.resume"),
    (["--workers", "3"], "--workers 3 is not the number of ranks that mpiexec has started, 2"),
])
def test_the_program_tells_an_error_in_one_line(tmp_path, arguments, told):
    done = run(2, PROGRAM, "--out", "w", *arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    lines = [line for line in done.stderr.splitlines() if line.startswith("tinygrad-mnist: ")]
    assert len(lines) == 1
    assert lines[0].startswith(f"tinygrad-mnist: rank 0 of 2: {told}")
    assert "Traceback" not in done.stderr


@needs_mpi
def test_ctrl_c_saves_and_says_where(tmp_path):
    """MPICH's mpiexec hands Ctrl-C on to all ranks and lets them end; Open MPI's ends them."""
    if "HYDRA" not in subprocess.run([MPIEXEC, "--version"], capture_output=True, text=True).stdout:
        pytest.skip("no MPI: this is not MPICH's mpiexec")
    process = subprocess.Popen(
        [MPIEXEC, "-n", "2", sys.executable, "-c", PROGRAM, "--model", "linear",
         "--epochs", "100000", "--out", "w"], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=ENVIRONMENT)
    try:
        assert process.stdout.readline().startswith("training linear")
        assert process.stdout.readline().startswith("epoch 1/")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "saved in w. The same command with --resume goes on" in err
    assert "Traceback" not in err
    _, header = checkpoint.read(tmp_path / "w.resume")
    assert "progress" in header


# --- the benchmark -----------------------------------------------------------------------


@needs_mpi
def test_the_benchmark_times_the_steps_of_two_ranks():
    """A turn of one contender; `benchmarks.ranks.main` lets several take turns."""
    done = run(2, "import sys; from benchmarks import ranks; ranks.turn(1, float(sys.argv[1]))",
               "0.1")
    times = json.loads(done.stdout)
    assert len(times) >= 4
    assert times == sorted(times)
    assert times[-1] - times[0] > 0.05  # whichever rank's time is over first ends both


# --- where there is no MPI, or another one -----------------------------------------------


def test_without_mpiexec_nothing_of_mpi_is_imported():
    program = "import sys, tinygrad_mnist.cli; print('mpi4py' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "False\n"
    assert not mpi.is_launched()


@pytest.mark.parametrize("variable", ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "PMIX_RANK",
                                      "TINYGRAD_MNIST_MPI"])
def test_a_launcher_is_known_by_what_it_says_and_mpi4py_is_asked_for(capsys, monkeypatch, variable):
    monkeypatch.setenv(variable, "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert mpi.is_launched()
    assert cli.main(["train", "--epochs", "1"]) == 1
    assert "pip install 'tinygrad-mnist[mpi]'" in capsys.readouterr().err


def test_the_mpiexec_of_another_mpi_is_told(monkeypatch):
    """Each rank would think that it is alone, and all would write the same file."""
    library = SimpleNamespace(COMM_WORLD=SimpleNamespace(size=1),
                              Get_library_version=lambda: "MPICH Version:\t4.0\nand more")
    monkeypatch.setitem(sys.modules, "mpi4py", SimpleNamespace(MPI=library))
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    with pytest.raises(RuntimeError, match=r"started 4 ranks, but mpi4py sees 1.*MPICH"), \
            mpi.joined():
        pass


# --- GPUs, on a machine without any ------------------------------------------------------


class Library:
    """Stands in for mpi4py's MPI: rank 3 of 4 on one machine. The others add 1 to all numbers."""

    IN_PLACE, COMM_TYPE_SHARED = "in place", "one machine"

    def __init__(self):
        self.COMM_WORLD, self.rank, self.size, self.added = self, 3, 4, []

    def Split_type(self, kind):  # noqa: N802
        return self

    def allgather(self, mine):
        return [set(range(16)) if isinstance(mine, set) else mine] * 4

    def Allreduce(self, place, row):  # noqa: N802
        self.added.append(type(row))
        row += 1


@pytest.fixture
def used(monkeypatch):
    """A machine that says it has two cards; the list tells which of them were chosen."""
    chosen = []
    cards = SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=lambda: 2),
                            Device=lambda card: SimpleNamespace(use=lambda: chosen.append(card)))
    monkeypatch.setattr(cuda, "why_not", lambda: None)
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=cards, ndarray=()))
    return chosen


@pytest.mark.parametrize(("word", "device"), [("auto", "cuda:1"), ("cuda", "cuda:1"),
                                              ("cuda:0", "cuda:0")])
def test_each_rank_of_a_machine_takes_a_card_of_its_own(used, word, device):
    assert mpi._MPITeam(Library()).device(word) == device
    assert used[-1] == int(device[-1])


def test_the_cpu_needs_no_card(used):
    assert mpi._MPITeam(Library()).device("cpu") == "cpu"
    assert used == []


@pytest.mark.parametrize(("aware", "travelled"), [("", np.ndarray), ("1", cupy_double.ndarray)])
def test_gradients_on_a_gpu_go_through_the_host_unless_mpi_knows_cuda(monkeypatch, aware,
                                                                      travelled):
    waited, library = [], Library()
    stream = SimpleNamespace(synchronize=lambda: waited.append(library.added.copy()))
    monkeypatch.setattr(cupy_double.cuda, "get_current_stream", lambda: stream, raising=False)
    monkeypatch.setenv("TINYGRAD_MNIST_CUDA_AWARE_MPI", aware)
    with cupy_double.installed():
        first, second = (tensor(np.zeros((2, 2), np.float32), device="cuda") for _ in range(2))
        first.grad = tensor(np.full((2, 2), 8, np.float32), device="cuda")
        loss, stop = mpi._MPITeam(library).exchange([first, second], tensor(4.0).to("cuda").data,
                                                    0.25, False)
        assert library.added == [travelled]
        assert waited == ([[]] if aware else []), "MPI may not read what is still being computed"
        np.testing.assert_array_equal(first.grad.numpy(), np.full((2, 2), 8 * 0.25 + 1))
        np.testing.assert_array_equal(second.grad.numpy(), np.ones((2, 2)))
        assert loss.item() == 4 * 0.25 + 1
        assert stop, "somebody else wants to"


@needs_mpi
def test_ranks_on_a_gpu_train_as_those_on_the_cpu(tmp_path):
    done = run(2, """
import sys, cupy_double, numpy, test_mpi
from tinygrad_mnist import mpi, training
with cupy_double.installed(), mpi.joined() as team:
    model, *others = test_mpi.small_training(16, 0.0, team.device("auto"))
    training.fit(model, *others, team=team)
    numpy.save(f"{sys.argv[1]}/{team.rank}.npy", model[3].weight.numpy())
""", str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    first, second = (np.load(tmp_path / f"{rank}.npy") for rank in range(2))
    assert first.tobytes() == second.tobytes()
    model, *others = small_training(16, 0.0)
    training.fit(model, *others)
    np.testing.assert_allclose(first, model[3].weight.numpy(), rtol=0, atol=2e-5)
