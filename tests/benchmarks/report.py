"""What came of a run: for people a table, for programs an object of JSON."""

from __future__ import annotations

import datetime
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tinygrad_mnist.team import cores

from .comparison import Comparison


@dataclass
class Report:
    """All that a run has found.

    best_setting: how PyTorch was fastest. memory: by name and number of training steps, the
    highest until then, in MB. growth: by option, name and value, what one picture costs (see
    `sections.growth`). peers: milliseconds for a training step, by name. skipped: who could
    not take part, and why. rounds: how many counted. disturbed: during how many of them other
    programs were busy. repeated: how many more were measured, and did not count for that.
    card, rates: which GPU, and how fast it copies and multiplies, where one was measured.
    """

    machine: dict[str, Any]
    quick: bool
    best_setting: str = ""
    comparisons: list[Comparison] = field(default_factory=list)
    memory: dict[str, dict[int, float]] = field(default_factory=dict)
    growth: dict[str, dict[str, dict[int, float]]] = field(default_factory=dict)
    peers: dict[str, float] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    rounds: int = 0
    disturbed: int = 0
    repeated: int = 0
    seconds: float = 0.0
    card: dict[str, Any] = field(default_factory=dict)
    rates: dict[str, dict[str, float]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The same in a form that JSON can hold, comparisons with what follows from them."""
        return asdict(self) | {"comparisons": [each.as_dict() for each in self.comparisons]}


# --- the machine -------------------------------------------------------------------------


def machine(ours: dict[str, Any], pytorch: dict[str, Any]) -> dict[str, Any]:
    """What the numbers depend on; ours, pytorch: what the libraries say of themselves."""
    variables = {name: value for name, value in sorted(os.environ.items())
                 if name.endswith("_NUM_THREADS")}
    return {"date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "processor": _processor(), "cores": cores(), "system": platform.platform(),
            "python": platform.python_version(), **ours, "pytorch": pytorch,
            "environment": variables}


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


# --- for people --------------------------------------------------------------------------


def machine_text(facts: dict[str, Any]) -> str:
    """The head of the table."""
    blas, pytorch = facts["blas"], facts["pytorch"]
    products = ("{name} {version}, kernel {kernel}, threads: {threads}".format(**blas) if blas
                else "a library that is not known")
    lines = [("date", facts["date"]), ("processor", f"{facts['processor']}, cores: "
                                                    f"{facts['cores']}"),
             ("Python", facts["python"]), ("NumPy", f"{facts['numpy']}, matrix products by "
                                                    f"{products}"),
             ("PyTorch", "{version}, threads: {threads}".format(**pytorch) if pytorch
              else "not installed")]
    lines += [(name, value) for name, value in facts["environment"].items()]
    return "\n".join(f"{name:10} {value}" for name, value in lines)


TITLES = f"{'':31}{'ours':>10}   {'beside':25}{'theirs':>10}   ratio   half of them   target"


def comparison_text(compared: Comparison) -> str:
    """A line of the table under TITLES."""
    ours, theirs = (f"{median(values):.3g} {compared.unit}"
                    for values in (compared.ours, compared.theirs))
    low, high = compared.middle_half
    verdict = "" if compared.target is None else (
        f"{compared.target:.2f} {'met' if compared.met else 'not met'}")
    return (f"{compared.what:31}{ours:>10}   {compared.beside:25}{theirs:>10}   "
            f"{compared.ratio:5.2f}   {low:.2f} to {high:.2f}   {verdict}").rstrip()


def memory_text(memory: dict[str, dict[int, float]]) -> str:
    """How much of the memory is there before the training, and how much comes during it."""
    first, middle, last = next(iter(memory.values()))
    lines = [f"{'highest memory in MB':31}{'imported':>10}{f'{middle} steps':>12}"
             f"{f'{last} steps':>12}{'growth':>10}"]
    lines += [f"{name:31}{peaks[first]:10.1f}{peaks[middle]:12.1f}{peaks[last]:12.1f}"
              f"{peaks[last] - peaks[middle]:10.1f}" for name, peaks in memory.items()]
    return "\n".join(lines)


def growth_text(growth: dict[str, dict[str, dict[int, float]]]) -> str:
    """How the cost of a picture grows with the batch, and with the picture."""
    names = list(growth["size"])
    lines = [f"{'cost of one picture in a step':31}"
             + "".join(f"{name.partition(',')[0]:>16}" for name in names)]
    for option, unit in (("batch_size", "at once"), ("size", "pixels high and wide")):
        for value in growth[option][names[0]]:
            what = f"{value:5,} {unit}"
            lines.append(f"{what:31}" + "".join(f"{growth[option][name][value]:16.2f}"
                                                for name in names))
    return "\n".join(lines)


def peers_text(peers: dict[str, float]) -> str:
    """A training step in each library, the fastest first."""
    lines = [f"{'a training step':31}{'ms':>10}"]
    lines += [f"{name:31}{value:10.2f}" for name, value
              in sorted(peers.items(), key=lambda peer: peer[1])]
    return "\n".join(lines)


def last_line(report: Report) -> str:
    """How far all this can be trusted."""
    line = (f"measured in {report.seconds:.0f} seconds and {report.rounds} rounds; other programs "
            f"were busy in {report.disturbed} of them, and in {report.repeated} made again")
    return line + ("; with --quick the numbers mean nothing" if report.quick else "")
