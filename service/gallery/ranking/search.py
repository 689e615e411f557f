"""One search over one view: eligible tracklets, nearest first, grouped and re-ranked as asked."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidQuery
from service.gallery.gallery_errors import TrackletNotFound
from service.gallery.index.approximate_tier import ApproximateTier
from service.gallery.index.planner import Mode
from service.gallery.index.view import View
from service.gallery.ranking.decision import Leaders
from service.gallery.ranking.eligible import Eligibility
from service.gallery.ranking.grouping import Group, Grouping, GroupMode
from service.gallery.ranking.leaders import find_leaders
from service.gallery.ranking.neighbours import Neighbours, Tier
from service.gallery.ranking.reordering import (
    Reordered,
    group_key,
    reordered,
    reranked_values,
    tracklet_key,
)
from service.gallery.ranking.reranking import Reranking
from service.gallery.records import TrackletMetadata

GroupBy = Literal["tracklet", "identity"]

# So many nearest tracklets are found even for fewer matches, since one person may have all of
# those: the best of another identity is most often among them, and a second search is saved.
RIVAL_AMONG = 32


@dataclass(frozen=True, slots=True)
class SearchOptions(Eligibility):
    """How to rank those who are eligible.

    Attributes:
        top_k: Matches at most.
        min_similarity: Least similarity of a match, itself included; of a group, the group's.
        group_by: Whether each match is a tracklet, or an identity.
        group_mode: How similar an identity is, as `Grouping` has it.
        group_top_m: Tracklets that the group mode `top-m` averages.
        max_per_camera: Tracklets of one camera at most; None for no limit.
        rerank: Order the first matches anew; None leaves them in order of similarity.
        mode: `ann` asks for the approximate tier, where there is one that can answer; `auto`
            leaves it to the settings.

    Raises:
        InvalidQuery: When a number is out of range, or options contradict each other.
    """

    top_k: int = 10
    min_similarity: float | None = None
    group_by: GroupBy = "tracklet"
    group_mode: GroupMode = "max"
    group_top_m: int = 3
    max_per_camera: int | None = None
    rerank: Reranking | None = None
    mode: Mode = "auto"

    def __post_init__(self) -> None:
        """Refuse to look for nothing, and what has no one meaning."""
        Eligibility.__post_init__(self)
        _require_positive("top_k", self.top_k)
        if self.max_per_camera is not None:
            _require_positive("max_per_camera", self.max_per_camera)
        if self.min_similarity is not None and not -1 <= self.min_similarity <= 1:
            raise InvalidQuery(
                expected="`min_similarity` from -1 to 1",
                received=str(self.min_similarity),
                remedy="correct it, or leave it out",
            )
        if self.max_per_camera is not None and self.group_by == "identity":
            raise InvalidQuery(
                expected="`max_per_camera` with `group_by` tracklet",
                received="`group_by` identity, whose matches have no one camera",
                remedy="leave one of them out",
            )
        Grouping(self.group_mode, self.group_top_m)


@dataclass(frozen=True, slots=True)
class Match:
    """A tracklet, or an identity by its most similar tracklet.

    Attributes:
        rank: From 1.
        similarity: The cosine; of an identity as the group mode has it.
        reranked: What re-ranking ordered it by, larger is closer; None where it did not. It
            compares matches of one answer only.
        tracklet_id: The most similar tracklet.
        metadata: Of that tracklet.
        seq: The write that the tracklet is of.
        tracklets: How many eligible ones the match stands for.
    """

    rank: int
    similarity: float
    reranked: float | None
    tracklet_id: str
    metadata: TrackletMetadata
    seq: int
    tracklets: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found, and how far it can be relied on.

    Attributes:
        matches: Best first.
        searched: Eligible tracklets.
        seq: Last write that the search saw.
        exact: Whether no tracklet can be missing and all similarities are those of the rows.
        complete: Whether no better match can have been left out; of an approximate answer, by
            the similarity of the last tracklet that it looked at.
        truncated: Whether more matches would have followed.
        tier: What searched.
        leaders: The nearest and the best of another identity among all eligible tracklets.
    """

    matches: tuple[Match, ...]
    searched: int
    seq: int
    exact: bool
    complete: bool
    truncated: bool
    tier: Tier
    leaders: Leaders


def search_view(
    view: View,
    query: NDArray[np.float32],
    options: SearchOptions,
    *,
    now_s: float,
    approximate: ApproximateTier | None = None,
) -> SearchResult:
    """The eligible tracklets or identities nearest to query [d], at `now_s` in Unix seconds.

    Args:
        view: To search.
        query: [d].
        options: How to rank.
        now_s: Who has expired by then is not found.
        approximate: Answers what the settings let it answer; without it every answer is exact.

    Raises:
        InvalidQuery: When a rule needs what is not known of the query.
    """
    neighbours = Neighbours(view, query, options.tree(), now_s, approximate)
    return _Search(neighbours, options).result()


def search_tracklet(
    view: View,
    tracklet_id: str,
    options: SearchOptions,
    *,
    now_s: float,
    approximate: ApproximateTier | None = None,
) -> SearchResult:
    """As `search_view`, by an enrolled tracklet, which is not among its own matches.

    Camera and time of the query are the tracklet's own; the options' only where it has none.

    Raises:
        TrackletNotFound: When it is not held, or has expired.
        InvalidQuery: When a rule needs what is not known of the query.
    """
    row, head = view.row_of(tracklet_id), view.record_head(tracklet_id)
    if row is None or head is None or head.metadata.has_expired(now_s):
        raise TrackletNotFound(
            expected="the id of an enrolled tracklet",
            received=repr(tracklet_id),
            remedy="enroll it first, or search by frames",
        )
    known = replace(
        options,
        query_camera=head.metadata.camera or options.query_camera,
        query_interval_s=head.metadata.interval_s() or options.query_interval_s,
    )
    query = view.embeddings(np.array([row]))[0]
    tree = known.tree(asked_by=tracklet_id)
    return _Search(Neighbours(view, query, tree, now_s, approximate), known).result()


class _Search:
    """The steps of one search, in order."""

    def __init__(self, neighbours: Neighbours, options: SearchOptions) -> None:
        self._neighbours, self._options = neighbours, options

    def result(self) -> SearchResult:
        """Find, leave out what is not similar enough, re-rank, and cut."""
        options = self._options
        depth = max(options.top_k, 0 if options.rerank is None else options.rerank.first)
        least = options.min_similarity
        asked = max(depth + 1, RIVAL_AMONG if self._by_tracklet else 0)
        found = self._found(asked)
        similar = [group for group in found if least is None or group.similarity >= least]
        ordered = self._ordered(similar[:depth])
        matches = tuple(
            _match(rank, each) for rank, each in enumerate(ordered[: options.top_k], start=1)
        )
        neighbours = self._neighbours
        return SearchResult(
            matches,
            searched=neighbours.selection.count,
            seq=neighbours.view.state.seq,
            exact=neighbours.tier == "exact",
            complete=neighbours.are_complete,
            truncated=len(similar) > options.top_k,
            tier=neighbours.tier,
            leaders=self._leaders(found, exhausted=len(found) < asked),
        )

    @property
    def _by_tracklet(self) -> bool:
        return self._options.group_by == "tracklet" and self._options.max_per_camera is None

    def _leaders(self, found: list[Group], *, exhausted: bool) -> Leaders:
        """They are the same however matches are grouped, limited, re-ranked or cut."""
        options = self._options
        by_best = options.group_by == "identity" and options.group_mode == "max"
        in_order = self._by_tracklet or by_best
        return find_leaders(
            self._neighbours,
            [group.best for group in found] if in_order else [],
            exhausted=exhausted and (in_order or not found),
            mode=options.mode,
        )

    def _ordered(self, found: list[Group]) -> list[Reordered]:
        """The matches found in the order in which they are answered."""
        numbers, neighbours = self._options.rerank, self._neighbours
        if numbers is None or not found:
            return [Reordered(group, None) for group in found]
        if self._options.group_by == "tracklet":
            key, hits = tracklet_key, [group.best for group in found[: numbers.first]]
        else:
            key, hits = group_key, neighbours.nearest(numbers.first, self._options.mode)
        values = reranked_values(neighbours.view, neighbours.query, hits, numbers)
        return reordered(found, hits, values, key=key)

    def _found(self, k: int) -> list[Group]:
        """The first k matches by similarity."""
        options, neighbours = self._options, self._neighbours
        if options.group_by == "identity":
            grouping = Grouping(options.group_mode, options.group_top_m)
            return neighbours.groups(grouping, k, options.mode)
        if options.max_per_camera is not None:
            hits = neighbours.nearest_per_camera(k, options.max_per_camera)
        else:
            hits = neighbours.nearest(k, options.mode)
        return [Group(hit.similarity, hit, 1) for hit in hits]


def _match(rank: int, ordered: Reordered) -> Match:
    group, hit = ordered.group, ordered.group.best
    return Match(
        rank,
        group.similarity,
        ordered.value,
        hit.tracklet_id,
        hit.metadata,
        hit.seq,
        group.tracklets,
    )


def _require_positive(name: str, value: int) -> None:
    if value < 1:
        raise InvalidQuery(
            expected=f"`{name}` of at least 1", received=str(value), remedy="ask for more"
        )
