"""Similarity → probability of the same person: a logistic fit, and how well it keeps its word."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

BINS = 10


@dataclass(frozen=True, slots=True)
class Logistic:
    """Log-odds = slope · similarity + intercept."""

    slope: float
    intercept: float

    def at(self, similarity: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities [n]."""
        probability: NDArray[np.float64] = expit(self.slope * similarity + self.intercept)
        return probability


def fit_logistic(similarity: NDArray[np.float64], same: NDArray[np.bool_]) -> Logistic:
    """Most likely slope and intercept; targets are a little off 0 and 1 (Platt, 1999).

    Without that, pairs that a threshold separates without an error would have an infinite slope.

    Raises:
        ValueError: When there are no matches of one of the kinds, or the similarities of the same
            person are not the higher ones.
    """
    right = int(np.count_nonzero(same))
    wrong = len(same) - right
    if not right or not wrong:
        raise ValueError(
            f"expected matches that are right and matches that are wrong, received {right} and "
            f"{wrong}; calibrate on more people, each seen by two cameras"
        )
    target = np.where(same, (right + 1) / (right + 2), 1 / (wrong + 2))
    centre, spread = float(similarity.mean()), float(similarity.std()) or 1.0
    scaled = (similarity - centre) / spread

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = weights[0] * scaled + weights[1]
        off = expit(odds) - target
        value = float(np.mean(np.logaddexp(0, odds) - target * odds))
        return value, np.array([np.mean(off * scaled), np.mean(off)])

    slope, intercept = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    if not slope > 0:
        raise ValueError(
            "expected the same person to be more similar than another, received a probability "
            f"that falls with similarity (slope {slope / spread:.3g}); check the model and the data"
        )
    return Logistic(float(slope / spread), float(intercept - slope * centre / spread))


def brier_score(probability: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Mean squared error of the probabilities; 0 is best, and 0.25 what ½ for all would get."""
    return float(np.mean((probability - same) ** 2))


def calibration_error(probability: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Expected calibration error: in ten equal bins, how far the share is from the probability."""
    bins = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    off = np.bincount(bins, weights=probability - same, minlength=BINS)
    return float(np.abs(off).sum() / len(probability))
