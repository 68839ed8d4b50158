"""One comparison: what two have taken, round by round, and which of them is better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """Values of ours and of theirs, one for each round; smaller ones are better.

    target: what the ratio is to stay below; None where there is no such aim.
    """

    what: str
    ours: list[float]
    beside: str
    theirs: list[float]
    target: float | None = None
    unit: str = "ms"

    @property
    def ratios(self) -> list[float]:
        """Ours / theirs, for each round."""
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios.

        Not the ratio of the medians: the machine may be twice as fast in the next round, but
        hardly from one turn to the other in the same round.
        """
        return median(self.ratios)

    @property
    def middle_half(self) -> tuple[float, float]:
        """Between what values the middle half of the ratios lies: how sure the median is."""
        if len(self.ratios) == 1:
            return self.ratio, self.ratio
        low, _, high = quantiles(self.ratios, n=4, method="inclusive")
        return low, high

    @property
    def met(self) -> bool | None:
        return None if self.target is None else self.ratio <= self.target

    def as_dict(self) -> dict[str, Any]:
        low, high = self.middle_half
        return {"what": self.what, "unit": self.unit, "ours": median(self.ours),
                "beside": self.beside, "theirs": median(self.theirs), "ratio": self.ratio,
                "middle_half": [low, high], "target": self.target, "met": self.met}


def compare(what: str, values: Mapping[str, list[float]], ours: str, beside: str,
            target: float | None = None, unit: str = "ms") -> Iterator[Comparison]:
    """The comparison of two names in `values`; none, if one could not be measured."""
    if ours in values and beside in values:
        yield Comparison(what, values[ours], beside, values[beside], target, unit)
