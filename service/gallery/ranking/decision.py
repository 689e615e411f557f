"""Is the nearest the person asked about, nobody here, or one of two: a law of two similarities."""

from dataclasses import dataclass
from typing import Literal

Decision = Literal["match", "ambiguous", "unknown"]


@dataclass(frozen=True, slots=True)
class Leaders:
    """Who is nearest among all eligible tracklets, whatever of them is answered, in which order.

    Attributes:
        nearest: Cosine of the most similar tracklet; None where nobody is eligible.
        second: Cosine of the most similar tracklet of another identity than the nearest's; None
            where there is none. A tracklet without identity is nobody's rival and has none: it may
            show the same person.
    """

    nearest: float | None
    second: float | None

    @property
    def margin(self) -> float | None:
        """How far the nearest is ahead of the best of another identity."""
        if self.nearest is None or self.second is None:
            return None
        return self.nearest - self.second


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """What was calibrated.

    Attributes:
        threshold: Least similarity of a match.
        lead: A match whose margin is smaller is ambiguous.
    """

    threshold: float
    lead: float


def decide(leaders: Leaders, rule: DecisionRule) -> Decision:
    """`unknown` below the threshold; else `ambiguous` where another identity is too near.

    More similar at the same margin never makes less of it: unknown, then ambiguous or match.
    """
    if leaders.nearest is None or leaders.nearest < rule.threshold:
        return "unknown"
    margin = leaders.margin
    return "ambiguous" if margin is not None and margin < rule.lead else "match"
