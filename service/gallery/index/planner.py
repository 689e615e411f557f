"""When an approximate base is worth having, and which searches it may answer."""

from dataclasses import dataclass
from typing import Literal

Mode = Literal["auto", "exact", "ann"]


@dataclass(frozen=True, slots=True)
class SwitchPoints:
    """Where exact and approximate search take turns.

    Attributes:
        exact_max_rows: A search of at most so many rows scans them, and a gallery of at most so
            many has no base.
        least_share: A search of a smaller share of the gallery scans: graphs lose recall under
            narrow filters, and there is less to scan.
        rebuild_share: A base is built anew when so many of the rows are not in it, or so many of
            its rows have gone.
        recall_target: Least share of the true neighbours that a base finds before it is used.
        recall_floor: A base that finds less of them for real queries is given up.
        canary_share: Share of approximate searches that are repeated exactly.
    """

    exact_max_rows: int = 2_000_000
    least_share: float = 0.1
    rebuild_share: float = 0.1
    recall_target: float = 0.95
    recall_floor: float = 0.9
    canary_share: float = 0.01


def may_approximate(points: SwitchPoints, mode: Mode, *, selected: int, held: int) -> bool:
    """Whether a base may answer a search of `selected` rows of the `held`."""
    if mode == "exact" or selected < points.least_share * held:
        return False
    return mode == "ann" or selected > points.exact_max_rows


def is_base_due(points: SwitchPoints, *, held: int, covered: int, built: int) -> bool:
    """Whether a base is to be built.

    Args:
        points: Where to switch.
        held: Rows of the gallery.
        covered: Those of them that the last base holds.
        built: Rows that it held when it was built; 0 without one.
    """
    if held <= points.exact_max_rows:
        return False
    added, gone = held - covered, built - covered
    return built == 0 or added > points.rebuild_share * held or gone > points.rebuild_share * built
