"""Ranked lists as the page shows them: a strip of frames and a line of facts per tracklet."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.data.tracklet import Tracklet
from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.judged_task import MethodRanking
from training.evaluation.top_matches import Verdict
from training.visualize.pictures import STRIP_FRAMES, frame_strip
from training.visualize.ranked_lists import (
    ListedTracklet,
    RankedList,
    RankedLists,
    Selection,
    choose_queries,
)

_GROUPS: dict[Selection, tuple[str, str]] = {
    "worst": ("Hardest failures", "The queries of lowest average precision."),
    "best": ("Best answers", "The queries of highest average precision."),
    "random": ("Random sample", "Queries drawn with seed {seed}."),
}


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Which ranked lists a report shows, and how much of them.

    Attributes:
        selections: Groups of queries, in their order.
        queries: Queries per group.
        top_k: Ranks per query.
        seed: Of the random sample.
        strip_frames: Most frames per tracklet, 1 to 8.
        pictures: Whether frames are shown at all.

    Raises:
        ValueError: When a number is outside its range.
    """

    selections: tuple[Selection, ...] = ("worst", "random")
    queries: int = 6
    top_k: int = 8
    seed: int = 0
    strip_frames: int = 6
    pictures: bool = True

    def __post_init__(self) -> None:
        if self.queries < 1 or self.top_k < 1 or not 1 <= self.strip_frames <= STRIP_FRAMES:
            raise ValueError(
                "expected at least one query and one rank, and strips of 1 to "
                f"{STRIP_FRAMES} frames, received {self.queries}, {self.top_k} and "
                f"{self.strip_frames}; choose numbers in these ranges"
            )


@dataclass(frozen=True, slots=True)
class Card:
    """One tracklet on the page."""

    name: str
    identity: str
    camera: str
    time: str
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntryCard:
    """One gallery tracklet in a list."""

    shown: Card
    verdict: Verdict
    label: str
    similarity: float


@dataclass(frozen=True, slots=True)
class ListCard:
    """The list of one query."""

    query: Card
    verdict: str
    entries: tuple[EntryCard, ...]


@dataclass(frozen=True, slots=True)
class ListGroup:
    """Lists of queries that were chosen in one way."""

    name: str
    title: str
    explanation: str
    lists: tuple[ListCard, ...]


def parse_selections(names: str) -> tuple[Selection, ...]:
    """Groups of queries by their names, separated by commas.

    Raises:
        ValueError: When a name is unknown or repeated.
    """
    asked = names.split(",")
    known = tuple(selection for name in asked for selection in _GROUPS if selection == name)
    if len(known) != len(asked) or len({*known}) != len(known):
        raise ValueError(
            f"expected some of {','.join(_GROUPS)}, each once, received {names!r}; correct --show"
        )
    return known


def list_groups(
    scored: MethodRanking, tracklets: Mapping[str, Tracklet], options: ListOptions
) -> list[ListGroup]:
    """The groups of ranked lists that `options` asks for.

    Raises:
        ValueError: When a frame is missing or is not a whole image.
    """
    ranked = RankedLists(scored.query, scored.gallery, scored.result.rules)
    queries = _Shelf(scored.query, tracklets, options)
    gallery = _Shelf(scored.gallery, tracklets, options)
    groups = []
    for selection in options.selections:
        title, explanation = _GROUPS[selection]
        chosen = choose_queries(scored.result, selection, options.queries, seed=options.seed)
        lists = [ranked.of(name, top_k=options.top_k) for name in chosen]
        groups.append(
            ListGroup(
                name=selection,
                title=title,
                explanation=explanation.format(seed=options.seed),
                lists=tuple(_list_card(each, queries, gallery) for each in lists),
            )
        )
    return groups


def _list_card(ranked: RankedList, queries: "_Shelf", gallery: "_Shelf") -> ListCard:
    matches = f"{ranked.right_matches} right match{'' if ranked.right_matches == 1 else 'es'}"
    return ListCard(
        query=queries.card(ranked.query),
        verdict=f"first right match at rank {ranked.first_right}, {matches} in the gallery",
        entries=tuple(
            EntryCard(gallery.card(one.name), one.verdict, _label(one), one.similarity)
            for one in ranked.entries
        ),
    )


def _label(entry: ListedTracklet) -> str:
    if entry.verdict is Verdict.IGNORED:
        return f"– ignored: {entry.remark}"
    sign = "✓" if entry.verdict is Verdict.RIGHT else "✗"
    remark = f", {entry.remark}" if entry.remark else ""
    return f"{sign} rank {entry.rank}, {entry.verdict}{remark}"


class _Shelf:
    """Cards of the tracklets of one table; one that is shown twice is read once."""

    def __init__(
        self, table: EmbeddingTable, tracklets: Mapping[str, Tracklet], options: ListOptions
    ) -> None:
        self._table, self._tracklets, self._options = table, tracklets, options
        self._row_of = {name: row for row, name in enumerate(table.names.tolist())}
        self._cards: dict[str, Card] = {}

    def card(self, name: str) -> Card:
        if name not in self._cards:
            self._cards[name] = self._make(name)
        return self._cards[name]

    def _make(self, name: str) -> Card:
        row, tracklet = self._row_of[name], self._tracklets.get(name)
        pictures: list[str] = []
        if tracklet is not None and self._options.pictures:
            pictures = frame_strip(tracklet, most=self._options.strip_frames)
        return Card(
            name=name,
            identity=_identity(int(self._table.identities[row])),
            camera=_camera(float(self._table.cameras[row])),
            time=_time(None if tracklet is None else tracklet.start_s),
            pictures=tuple(pictures),
        )


def _identity(identity: int) -> str:
    return {-1: "junk", 0: "distractor"}.get(identity, f"identity {identity}")


def _camera(camera: float) -> str:
    return "camera unknown" if np.isnan(camera) else f"camera {camera:.0f}"


def _time(start_s: float | None) -> str:
    """From the data set's own zero, as h:mm:ss.s."""
    if start_s is None:
        return "time unknown"
    tenths = round(start_s * 10)
    minutes, rest = divmod(abs(tenths), 600)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if tenths < 0 else ""
    return f"at {sign}{hours}:{minutes:02d}:{rest // 10:02d}.{rest % 10}"
