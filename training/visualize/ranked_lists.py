"""Ranked lists of tracklets: who was found for a query, what was passed over, and which to show."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.ranking_rules import DISTRACTOR, JUNK, RankingRules
from training.evaluation.retrieval_result import RetrievalResult
from training.evaluation.top_matches import Verdict, top_matches

Selection = Literal["worst", "best", "random"]


@dataclass(frozen=True, slots=True)
class ListedTracklet:
    """One gallery tracklet in the list of a query.

    Attributes:
        name: As the table calls it.
        similarity: Cosine to the query.
        rank: Place among what counts, from 1; None where the protocol ignores it.
        verdict: Whether it is right, wrong or ignored.
        remark: Why it is ignored, or that it is a distractor; empty otherwise.
    """

    name: str
    similarity: float
    rank: int | None
    verdict: Verdict
    remark: str = ""


@dataclass(frozen=True, slots=True)
class RankedList:
    """The list of one query.

    Attributes:
        query: Its name.
        entries: The first tracklets by similarity, down to rank top-k, ignored ones in their place
            (but for the query itself); after them the first right match where it comes later.
        first_right: Rank of the first right match, or None where there is none to be found.
        right_matches: How many right matches the gallery holds.
    """

    query: str
    entries: tuple[ListedTracklet, ...]
    first_right: int | None
    right_matches: int


class RankedLists:
    """Makes the ranked list of any query of a table, by the rules of an evaluation."""

    def __init__(self, query: EmbeddingTable, gallery: EmbeddingTable, rules: RankingRules) -> None:
        self._query, self._gallery, self._rules = query, gallery, rules
        self._row_of = {name: row for row, name in enumerate(query.names.tolist())}

    def of(self, name: str, *, top_k: int) -> RankedList:
        """The list of the query `name`, down to rank `top_k`; ties keep gallery order.

        Raises:
            ValueError: When no query has that name, the gallery is empty, or dimensions differ.
        """
        if name not in self._row_of:
            raise ValueError(
                f"expected the name of one of {len(self._row_of)} queries, received {name!r}; "
                "choose names from the result of the same evaluation"
            )
        asked = self._query.take(np.array([self._row_of[name]], dtype=np.int64))
        found = next(top_matches(asked, self._gallery, self._rules, len(self._gallery)))
        entries: list[ListedTracklet] = []
        rank, first_right = 0, None
        for row, similarity, verdict in zip(
            found.rows.tolist(), found.similarities.tolist(), found.verdicts, strict=True
        ):
            within = rank < top_k
            rank += verdict is not Verdict.IGNORED
            is_first = first_right is None and verdict is Verdict.RIGHT
            first_right = rank if is_first else first_right
            if within or is_first:
                place = None if verdict is Verdict.IGNORED else rank
                name_found, remark = (
                    str(self._gallery.names[row]),
                    self._remark(asked, row, verdict),
                )
                entries.append(ListedTracklet(name_found, similarity, place, verdict, remark))
        return RankedList(name, tuple(entries), first_right, found.verdicts.count(Verdict.RIGHT))

    def _remark(self, asked: EmbeddingTable, row: int, verdict: Verdict) -> str:
        identity = self._gallery.identities[row]
        if verdict is not Verdict.IGNORED:
            return "distractor" if identity == DISTRACTOR else ""
        if identity == JUNK:
            return "junk"
        same_camera = self._gallery.cameras[row] == asked.cameras[0]
        return "same camera" if same_camera else "same outfit"


def choose_queries(
    result: RetrievalResult, selection: Selection, count: int, *, seed: int
) -> list[str]:
    """Names of at most `count` valid queries: by average precision, or drawn by seed.

    Of equal average precisions the worse is that whose first right match comes later; then the
    order of the queries decides, so that a report is the same when made again.
    """
    if selection == "random":
        drawn = np.random.default_rng(seed).permutation(len(result.names))[:count]
        return [str(result.names[row]) for row in np.sort(drawn)]
    sign = 1 if selection == "worst" else -1
    order = np.lexsort((-sign * result.first_ranks, sign * result.average_precisions))
    return [str(result.names[row]) for row in order[:count]]
