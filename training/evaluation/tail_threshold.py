"""The least similarity that keeps to a false-accept rate: measured, or beyond what was measured.

Rates that the unknown tracklets resolve are quantiles of what they reached. Lower ones are read
from a generalised Pareto distribution fitted to the exceedances of a high quantile, as extremes of
almost any distribution approach one (Pickands 1975; Coles, An Introduction to Statistical Modeling
of Extreme Values, 2001, chapter 4). They are marked as extrapolated.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import genpareto

# The tail is the highest tenth, and must be of ten different tracklets or more.
TAIL_SHARE = 0.1
LEAST_IN_TAIL = 10
# Rates down to one fiftieth of the lowest that is measured: beyond, the shape decides all.
MOST_BEYOND = 50


@dataclass(frozen=True, slots=True)
class ReadThreshold:
    """The threshold for one rate, and where it comes from."""

    false_accept_rate: float
    similarity: float
    basis: Literal["measured", "extrapolated"]


def read_thresholds(
    highest: NDArray[np.float64], rates: tuple[float, ...], *, tracklets: int
) -> tuple[ReadThreshold, ...]:
    """Thresholds by falling rate; a rate of which nothing can be said is left out.

    Args:
        highest: [n] similarity of the most similar tracklet, of every search for an unknown person.
        rates: Between 0 and 1.
        tracklets: Different ones that made the searches; repeating them adds nothing to the tail.

    Raises:
        ValueError: When there is no search, or a rate is not between 0 and 1.
    """
    if not len(highest) or not all(0 < rate < 1 for rate in rates):
        raise ValueError(
            "expected searches for unknown people, and false-accept rates between 0 and 1, "
            f"received {len(highest)} searches and rates {rates}; give more people, or other rates"
        )
    least, read = -1.0, []
    tail = _Tail.of(highest) if tracklets * TAIL_SHARE >= LEAST_IN_TAIL else None
    for rate in sorted(set(rates), reverse=True):
        one = _read(highest, rate, tracklets, tail)
        if one is None:
            continue
        # The fitted tail may begin below what was measured for a higher rate.
        least = max(least, one.similarity)
        read.append(ReadThreshold(rate, least, one.basis))
    return tuple(read)


@dataclass(frozen=True, slots=True)
class _Tail:
    start: float
    share: float
    shape: float
    scale: float

    @classmethod
    def of(cls, highest: NDArray[np.float64]) -> "_Tail | None":
        start = float(np.quantile(highest, 1 - TAIL_SHARE))
        beyond = highest[highest > start] - start
        if len(np.unique(beyond)) < LEAST_IN_TAIL:
            return None
        shape, _, scale = genpareto.fit(beyond, floc=0)
        return cls(start, len(beyond) / len(highest), float(shape), float(scale))

    def similarity(self, rate: float) -> float:
        return self.start + float(genpareto.isf(rate / self.share, self.shape, 0, self.scale))


def _read(
    highest: NDArray[np.float64], rate: float, tracklets: int, tail: _Tail | None
) -> ReadThreshold | None:
    # 1e-2 · 100 is 1 though floats may say 0.999….
    if rate * tracklets >= 1 - 1e-9:
        refused = np.sort(highest)[::-1][int(rate * len(highest) + 1e-9)]
        similarity = min(float(np.nextafter(refused, np.inf)), 1.0)
        return ReadThreshold(rate, similarity, "measured")
    if tail is None or rate * tracklets * MOST_BEYOND < 1 - 1e-9:
        return None
    similarity = tail.similarity(rate)
    # No tracklet reaches a threshold above 1: the tail is too heavy to be that of a cosine.
    return ReadThreshold(rate, similarity, "extrapolated") if similarity <= 1 else None
