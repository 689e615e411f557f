"""What an answer says beyond similarities, by the calibration of the served model."""

from dataclasses import dataclass

from model.manifest import Manifest
from service.errors import InvalidQuery
from service.gallery.ranking.decision import Decision, DecisionRule, decide
from service.gallery.ranking.search import SearchOptions, SearchResult

FAR_FROM_MEASURED = 10
"""The gallery searched may be so many times larger or smaller than the one of the calibration."""


@dataclass(frozen=True, slots=True)
class SearchDecision:
    """The part of an answer that the calibration decides.

    Attributes:
        decision: None where nothing was calibrated for the rate.
        threshold: Least similarity of a match.
        false_accept_rate: That the threshold was calibrated for.
        margin_to_second: Of the nearest, to the best of another identity.
        warnings: Why there is no decision, or how far it can be relied on.
    """

    decision: Decision | None
    threshold: float | None
    false_accept_rate: float | None
    margin_to_second: float | None
    warnings: tuple[str, ...]


def require_calibrated_rate(manifest: Manifest, asked: float | None) -> None:
    """Refuse, before anything is searched, a rate that a calibrated model has no threshold for.

    Raises:
        InvalidQuery: With the rates that there are.
    """
    calibration = manifest.calibration
    if asked is None or calibration is None or calibration.threshold(asked) is not None:
        return
    raise InvalidQuery(
        expected=f"`false_accept_rate` out of {_listed(calibration.rates())}",
        received=f"{asked:g}",
        remedy="ask for one of them, or leave it out",
    )


def search_decision(
    manifest: Manifest, found: SearchResult, false_accept_rate: float
) -> SearchDecision:
    """Decide about one search, at one of the calibrated rates."""
    margin = found.leaders.margin
    calibration = manifest.calibration
    if calibration is None:
        reason = (
            "no decision and no probability: the model is not calibrated; "
            "`reid-train calibrate` measures what its similarities mean"
        )
        return SearchDecision(None, None, None, margin, (reason,))
    threshold = calibration.threshold(false_accept_rate)
    if threshold is None:
        reason = (
            f"no decision: the model is calibrated for false-accept rates "
            f"{_listed(calibration.rates())}, not for this service's {false_accept_rate:g}"
        )
        return SearchDecision(None, None, None, margin, (reason,))
    warnings = _size_warnings(found.searched, calibration.searches.gallery_tracklets)
    if threshold.basis == "extrapolated":
        warnings += (
            f"the threshold for a false-accept rate of {false_accept_rate:g} is extrapolated: "
            "too few people were searched for to measure it",
        )
    return SearchDecision(
        decide(found.leaders, DecisionRule(threshold.similarity, calibration.lead.similarity)),
        threshold.similarity,
        threshold.false_accept_rate,
        margin,
        warnings,
    )


def match_probability(
    manifest: Manifest, similarity: float, options: SearchOptions
) -> float | None:
    """That a match shows the person asked about; None where its similarity is an average.

    The calibration is of single tracklets, and of an identity by its most similar one.
    """
    calibration = manifest.calibration
    averaged = options.group_by == "identity" and options.group_mode != "max"
    return None if calibration is None or averaged else calibration.probability.at(similarity)


def _size_warnings(searched: int, measured: int) -> tuple[str, ...]:
    told = f"{searched} tracklets were searched, and the calibration measured with {measured}: "
    if searched > FAR_FROM_MEASURED * measured:
        return (
            f"{told}the more are searched, the more often an unknown person is taken for somebody; "
            "expect more false accepts than the rate says, and less than the probability",
        )
    if searched * FAR_FROM_MEASURED < measured:
        return (
            f"{told}the fewer are searched, the more rarely an unknown person is taken for "
            "somebody; a lower threshold would keep to the rate and find more",
        )
    return ()


def _listed(rates: tuple[float, ...]) -> str:
    return ", ".join(f"{rate:g}" for rate in rates)
