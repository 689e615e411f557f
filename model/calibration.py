"""What an artifact says of "same person or unknown": thresholds, probability and lead, measured.

All of it holds for searches as they were measured: so many tracklets in the gallery, and such a
share of the people asked about in it. The server reads it to answer `decision` and `probability`.
"""

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
PartialShare = Annotated[float, Field(gt=0, lt=1)]
Cosine = Annotated[float, Field(ge=-1, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HeldOutRates(_Frozen):
    """What thresholds fitted on one half of the people do to the other half, on average.

    Attributes:
        false_accept_rate: Share of the unknown people's searches that were taken for somebody.
        deviation: Standard deviation of that share between the repetitions.
        detection_rate: DIR, the share of the known people's searches that name them rightly.
    """

    false_accept_rate: Share
    deviation: Annotated[float, Field(ge=0, le=1)]
    detection_rate: Share


class Threshold(_Frozen):
    """The least similarity of a match, for one false-accept rate.

    Attributes:
        false_accept_rate: Share of the searches for people who are not in the gallery whose most
            similar tracklet reaches the threshold (FPIR).
        similarity: The least cosine of a match.
        basis: `measured` where there are unknown tracklets enough to see the rate; `extrapolated`
            where a generalised Pareto tail, fitted to the highest, says what is beyond them.
        detection_rate: DIR at this threshold, on the searches that it was fitted to.
        held_out: Both of people whom the fit had not seen; None where half the people are too few
            for a threshold.
    """

    false_accept_rate: PartialShare
    similarity: Cosine
    basis: Literal["measured", "extrapolated"]
    detection_rate: Share
    held_out: HeldOutRates | None


class Probability(_Frozen):
    """Similarity → probability that a tracklet found shows the person asked about: a logistic.

    Attributes:
        slope: Above 0: more similar is never less probable.
        intercept: Log-odds at similarity 0.
        matches_per_search: It was fitted to so many of the first matches of each search.
        brier: Mean squared error on people whom the fit had not seen.
        calibration_error: Expected calibration error on them, over ten bins of equal width.
    """

    slope: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    intercept: Finite
    matches_per_search: Count
    brier: Share
    calibration_error: Share

    def at(self, similarity: float) -> float:
        """The probability at this cosine."""
        odds = self.slope * similarity + self.intercept
        # The exponent is never positive, so nothing overflows.
        tail = math.exp(-abs(odds))
        return 1 / (1 + tail) if odds >= 0 else tail / (1 + tail)


class Lead(_Frozen):
    """How far the first must be ahead of the best of another identity, or the answer is ambiguous.

    Attributes:
        similarity: The least difference of the two cosines.
        false_accept_rate: Of the threshold that the searches reached that it was fitted to, all
            for people in the gallery.
        precision: Share of those of them with such a lead that named the right person.
    """

    similarity: Annotated[float, Field(ge=0, le=2)]
    false_accept_rate: PartialShare
    precision: Share


class Searches(_Frozen):
    """What was searched: people drawn at random as known (enrolled) or unknown, again and again.

    Attributes:
        gallery_tracklets: In the gallery of one search, on average over the draws.
        gallery_identities: People among them.
        known: Searches, in all draws, for somebody in the gallery.
        unknown: Searches, in all draws, for somebody who is not.
        unknown_tracklets: Different tracklets that made the unknown searches; rates below one in
            so many cannot be seen.
        known_share: Part of the people who are enrolled in a draw.
        draws: How many there were.
        halves: How often people were halved, to fit on one half and measure on the other.
    """

    gallery_tracklets: Count
    gallery_identities: Count
    known: Count
    unknown: Count
    unknown_tracklets: Count
    known_share: PartialShare
    draws: Count
    halves: Count


class Calibration(_Frozen):
    """What similarities of this model mean.

    Attributes:
        data: Whose tracklets were searched.
        searches: How.
        thresholds: The highest false-accept rate first.
        unresolved_rates: Rates asked for that so few unknown tracklets say nothing of.
        probability: That a tracklet found shows the person asked about.
        lead: What makes a match unambiguous.
    """

    data: str
    searches: Searches
    thresholds: Annotated[tuple[Threshold, ...], Field(min_length=1)]
    unresolved_rates: tuple[PartialShare, ...]
    probability: Probability
    lead: Lead

    @model_validator(mode="after")
    def _stricter_is_not_lower(self) -> Self:
        for looser, stricter in zip(self.thresholds, self.thresholds[1:], strict=False):
            if not looser.false_accept_rate > stricter.false_accept_rate:
                raise ValueError(
                    "expected thresholds by falling false-accept rate, received "
                    f"{stricter.false_accept_rate} after {looser.false_accept_rate}"
                )
            if looser.similarity > stricter.similarity:
                raise ValueError(
                    "expected thresholds that do not fall with the false-accept rate, received "
                    f"{stricter.similarity} for {stricter.false_accept_rate} below "
                    f"{looser.similarity} for {looser.false_accept_rate}"
                )
        return self

    def threshold(self, false_accept_rate: float) -> Threshold | None:
        """The threshold for exactly this rate, or None where there is none."""
        return next(
            (one for one in self.thresholds if one.false_accept_rate == false_accept_rate), None
        )

    def rates(self) -> tuple[float, ...]:
        """The rates that there is a threshold for, the highest first."""
        return tuple(one.false_accept_rate for one in self.thresholds)
