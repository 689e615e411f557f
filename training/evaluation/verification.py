"""Are these two the same person? ROC, equal error rate and TAR@FAR over all pairs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.pair_similarities import SimilarityHistograms


@dataclass(frozen=True, slots=True)
class VerificationPoint:
    """What a threshold does; a pair is accepted where its similarity reaches it.

    Attributes:
        threshold: Infinite where nothing may be accepted.
        false_accept_rate: Accepted share of the pairs of different people.
        true_accept_rate: Accepted share of the pairs of one person.
    """

    threshold: float
    false_accept_rate: float
    true_accept_rate: float


@dataclass(frozen=True, eq=False)
class VerificationCurve:
    """The ROC: m + 1 thresholds, ascending, the last of which accepts nothing.

    Attributes:
        thresholds: [m + 1].
        false_accept_rates: [m + 1], falling from 1 to 0.
        true_accept_rates: [m + 1], falling from 1 to 0.
        same_pairs: How many pairs of one person there are.
        different_pairs: How many of different people.
    """

    thresholds: NDArray[np.float64]
    false_accept_rates: NDArray[np.float64]
    true_accept_rates: NDArray[np.float64]
    same_pairs: int
    different_pairs: int

    def at_false_accept_rate(self, rate: float) -> VerificationPoint:
        """The lowest threshold that accepts at most this share of different people.

        Raises:
            ValueError: When the rate is not between 0 and 1, or so low that it cannot be told from
                0 with the pairs there are.
        """
        if not 0 < rate < 1 or rate * self.different_pairs < 1:
            raise ValueError(
                f"expected a false-accept rate between 1/{self.different_pairs} (one of the pairs "
                f"of different people) and 1, received {rate}; ask for a higher rate or evaluate "
                "more tracklets"
            )
        return self._point(int(np.argmax(self.false_accept_rates <= rate)))

    def equal_error(self) -> VerificationPoint:
        """Where as many strangers are accepted as people are refused, to the width of a bin."""
        refused = 1 - self.true_accept_rates
        return self._point(int(np.argmin(np.abs(self.false_accept_rates - refused))))

    @property
    def equal_error_rate(self) -> float:
        """Mean of the two errors where they are closest."""
        point = self.equal_error()
        return (point.false_accept_rate + 1 - point.true_accept_rate) / 2

    def _point(self, position: int) -> VerificationPoint:
        return VerificationPoint(
            threshold=float(self.thresholds[position]),
            false_accept_rate=float(self.false_accept_rates[position]),
            true_accept_rate=float(self.true_accept_rates[position]),
        )


def verification_curve(histograms: SimilarityHistograms) -> VerificationCurve:
    """The ROC over counted pairs.

    Raises:
        ValueError: When there are no pairs of one person or none of different people.
    """
    same, different = int(histograms.same.sum()), int(histograms.different.sum())
    if not same or not different:
        raise ValueError(
            "expected pairs of one person and pairs of different people, received "
            f"{same} and {different}; evaluate people who are seen twice, and more than one"
        )
    return VerificationCurve(
        thresholds=np.append(histograms.edges, np.inf),
        false_accept_rates=_accepted(histograms.different) / different,
        true_accept_rates=_accepted(histograms.same) / same,
        same_pairs=same,
        different_pairs=different,
    )


def _accepted(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs at or above each threshold, and 0 for the threshold above all."""
    return np.append(np.cumsum(counts[::-1])[::-1], 0)
