"""Fits what an artifact says of similarities, and measures it on people held out from the fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.calibration import Calibration, HeldOutRates, Lead, Probability, Searches, Threshold
from training.evaluation.match_probability import (
    Logistic,
    brier_score,
    calibration_error,
    fit_logistic,
)
from training.evaluation.open_set_draws import (
    FIRST_MATCHES,
    DrawnSearches,
    OpenSetPairs,
    draw_searches,
)
from training.evaluation.tail_threshold import ReadThreshold, read_thresholds
from training.frozen_model import Count, FrozenModel

RATES = (1e-2, 1e-3, 1e-4)
# Of accepted searches for known people, so many name the right one where the lead is enough.
LEAST_PRECISION = 0.99


class CalibrationSettings(FrozenModel):
    """How the searches are drawn.

    Attributes:
        rates: False-accept rates asked for.
        draws: Galleries searched, each of other people.
        known_share: Part of the people who are in the gallery of a draw.
        halves: How often the people are halved to fit on one half and measure on the other.
        seed: Of all drawing.
    """

    rates: tuple[float, ...] = RATES
    draws: Count = 200
    known_share: float = 0.5
    halves: Count = 20
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Measured:
    """What a fit does to the searches of other people."""

    points: dict[float, tuple[float, float]]
    brier: float
    calibration_error: float


def calibrate(pairs: OpenSetPairs, settings: CalibrationSettings, *, data: str) -> Calibration:
    """Thresholds, probability and lead, fitted on all people and checked on halves of them.

    Raises:
        ValueError: When no rate can be resolved, or right and wrong matches do not differ.
    """
    random = np.random.default_rng(settings.seed)
    whole = _draw(pairs, settings, random)
    read = read_thresholds(whole.unknown, settings.rates, tracklets=whole.unknown_tracklets)
    if not read:
        raise ValueError(
            f"expected unknown tracklets enough for one of the rates {settings.rates}, received "
            f"{whole.unknown_tracklets}; calibrate on more people, or ask for a higher rate"
        )
    logistic = fit_logistic(whole.similarity, whole.same)
    checks = [_on_the_other_half(pairs, settings, random) for _ in range(settings.halves)]
    resolved = {one.false_accept_rate for one in read}
    return Calibration(
        data=data,
        searches=_searches(whole, settings),
        thresholds=tuple(_threshold(one, whole, checks) for one in read),
        unresolved_rates=tuple(sorted(set(settings.rates) - resolved, reverse=True)),
        probability=Probability(
            slope=logistic.slope,
            intercept=logistic.intercept,
            matches_per_search=FIRST_MATCHES,
            brier=float(np.mean([one.brier for one in checks])),
            calibration_error=float(np.mean([one.calibration_error for one in checks])),
        ),
        lead=fit_lead(whole, read[0]),
    )


def fit_lead(found: DrawnSearches, threshold: ReadThreshold) -> Lead:
    """The least lead by which accepted searches for known people name the right one.

    Where no lead is enough for `LEAST_PRECISION`, it is the largest that was seen: then hardly a
    match goes without a warning.
    """
    accepted = found.known >= threshold.similarity
    # Without anybody else the lead is infinite; no two cosines differ by more than 2.
    lead = np.minimum(found.lead[accepted], 2.0)
    order = np.argsort(-lead, kind="stable")
    lead = lead[order]
    precision = np.cumsum(found.right[accepted][order]) / np.arange(1, len(lead) + 1)
    # Equal leads are told apart by nothing, so that only the last of them can be a bound.
    bounds = np.flatnonzero(np.append(np.diff(lead) < 0, True)[: len(lead)])
    enough = bounds[precision[bounds] >= LEAST_PRECISION]
    if len(enough):
        last = int(enough[-1])
        least = 0.0 if last == len(lead) - 1 else float(lead[last])
        return _lead(least, threshold, float(precision[last]))
    if not len(lead):
        return _lead(0.0, threshold, 0.0)
    return _lead(float(lead[0]), threshold, float(precision[bounds[0]]))


def _lead(similarity: float, threshold: ReadThreshold, precision: float) -> Lead:
    return Lead(
        similarity=similarity,
        false_accept_rate=threshold.false_accept_rate,
        precision=precision,
    )


def _draw(
    pairs: OpenSetPairs, settings: CalibrationSettings, random: np.random.Generator
) -> DrawnSearches:
    return draw_searches(
        pairs, draws=settings.draws, known_share=settings.known_share, random=random
    )


def _on_the_other_half(
    pairs: OpenSetPairs, settings: CalibrationSettings, random: np.random.Generator
) -> _Measured:
    people = random.permutation(pairs.people)
    middle = len(people) // 2
    fitted, other = (
        _draw(pairs.of_people(half), settings, random)
        for half in (people[:middle], people[middle:])
    )
    read = read_thresholds(fitted.unknown, settings.rates, tracklets=fitted.unknown_tracklets)
    logistic: Logistic = fit_logistic(fitted.similarity, fitted.same)
    probability = logistic.at(other.similarity)
    return _Measured(
        points={one.false_accept_rate: _rates(one.similarity, other) for one in read},
        brier=brier_score(probability, other.same),
        calibration_error=calibration_error(probability, other.same),
    )


def _rates(similarity: float, found: DrawnSearches) -> tuple[float, float]:
    """False-accept rate and DIR of a threshold."""
    accepted = float(np.mean(found.unknown >= similarity))
    return accepted, float(np.mean(found.right & (found.known >= similarity)))


def _threshold(read: ReadThreshold, whole: DrawnSearches, checks: Sequence[_Measured]) -> Threshold:
    points = [
        one.points[read.false_accept_rate] for one in checks if read.false_accept_rate in one.points
    ]
    return Threshold(
        false_accept_rate=read.false_accept_rate,
        similarity=read.similarity,
        basis=read.basis,
        detection_rate=_rates(read.similarity, whole)[1],
        held_out=_held_out(points) if points else None,
    )


def _held_out(points: Sequence[tuple[float, float]]) -> HeldOutRates:
    accepted, detected = np.array(points).T
    return HeldOutRates(
        false_accept_rate=float(accepted.mean()),
        deviation=float(accepted.std()),
        detection_rate=float(detected.mean()),
    )


def _searches(whole: DrawnSearches, settings: CalibrationSettings) -> Searches:
    return Searches(
        gallery_tracklets=whole.gallery_tracklets,
        gallery_identities=whole.gallery_identities,
        known=len(whole.known),
        unknown=len(whole.unknown),
        unknown_tracklets=whole.unknown_tracklets,
        known_share=settings.known_share,
        draws=settings.draws,
        halves=settings.halves,
    )
