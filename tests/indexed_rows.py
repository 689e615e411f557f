"""Rows as a store gives them, random filters over them, and an index of several small segments."""

import math
from collections.abc import Mapping

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.gallery.filter_tree import All, AnyOf, Between, Equals, Exists, Filter, Not, Overlaps
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.index.scanner import Scanner
from service.gallery.moment_filter import MomentWithin
from service.gallery.records import TrackletMetadata, check_embedding
from service.gallery.stores.row_codec import IntactRow, pack_body, pack_row, unpack_row
from tests.ranked_rows import cosine

DIMENSION = 8
NOW_S = 100.0
NOTHING_KNOWN = TrackletMetadata()

names = st.sampled_from([f"t{number}" for number in range(12)] + ["ü", "שלום", "a b"])
cameras = st.sampled_from(["c0", "c1", "c2"])
identities = st.sampled_from(["p0", "p1", "p2"])
attribute_names = st.sampled_from(["x", "y", "été"])
attributes = st.sampled_from(
    [0, 1, 1.0, True, False, -0.0, 0.5, 2**53, 2**53 + 1, float(2**53), 2**63 - 1, "1", "", "day"]
)
times = st.none() | st.integers(0, 6).map(float)
bounds = st.sampled_from(
    [-math.inf, -1, 0, 0.5, 1, 2, 2**53, float(2**53), 2**53 + 1, 2**63, 10**400, math.inf]
)


@st.composite
def metadatas(draw) -> TrackletMetadata:
    start, end = draw(times), draw(times)
    if start is not None and end is not None and start > end:
        start, end = end, start
    return TrackletMetadata(
        draw(st.none() | identities),
        draw(st.none() | cameras),
        start,
        end,
        draw(st.dictionaries(attribute_names, attributes, max_size=3)),
        draw(st.sampled_from([None, None, NOW_S - 1, NOW_S, NOW_S + 1])),
    )


def _ordered(kind, ends, *before):
    return kind(*before, *sorted(ends))


fields = st.sampled_from(["tracklet_id", "identity", "camera"]) | attribute_names.map(
    "attributes.{}".format
)
equals = st.one_of(
    st.builds(Equals, st.just("camera"), st.lists(cameras, min_size=1).map(tuple)),
    st.builds(Equals, st.just("identity"), st.lists(identities, min_size=1).map(tuple)),
    st.builds(Equals, st.just("tracklet_id"), st.lists(names, min_size=1).map(tuple)),
    st.builds(
        Equals,
        attribute_names.map("attributes.{}".format),
        st.lists(attributes, min_size=1, max_size=6).map(tuple),
    ),
)
moments = st.sampled_from([-math.inf, 0.0, 1.0, 2.0, 3.0, 5.0, math.inf])
leaves = st.one_of(
    equals,
    st.builds(Exists, fields | st.just("time")),
    st.builds(_ordered, st.just(Overlaps), st.tuples(moments, moments)),
    st.builds(
        _ordered,
        st.just(MomentWithin),
        st.tuples(moments, moments),
        st.sampled_from(["start", "end"]),
    ),
    st.builds(
        _ordered,
        st.just(Between),
        st.tuples(bounds, bounds),
        attribute_names.map("attributes.{}".format),
    ),
)
filters: st.SearchStrategy[Filter] = st.recursive(
    leaves,
    lambda parts: st.one_of(
        st.builds(All, st.lists(parts, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple)),
        st.builds(Not, parts),
    ),
    max_leaves=6,
)

Row = tuple[NDArray[np.float32], TrackletMetadata]


def rounded(values) -> NDArray[np.float32]:
    """A vector of length 1 as a store gives it back."""
    values = np.asarray(values)
    return check_embedding(values, len(values)).astype(np.float16).astype(np.float32)


def vector(seed: int, dimension: int = DIMENSION) -> NDArray[np.float32]:
    """A random one; the same for the same seed."""
    return rounded(np.random.default_rng(seed).normal(size=dimension))


few = st.lists(st.integers(-1, 1), min_size=DIMENSION, max_size=DIMENSION).filter(any)
vectors = few.map(rounded) | st.integers(0, 40).map(vector)
"""Simple ones, so that equal similarities are common, and others, so that roundings are."""

rows_by_name = st.dictionaries(names, st.tuples(vectors, metadatas()), max_size=15)


def crowd(count: int, dimension: int = DIMENSION, cameras: int = 10) -> dict[str, Row]:
    """Rows close to each other, so that float32 alone would not order them."""
    rng = np.random.default_rng(count)
    centre = vector(1, dimension)
    return {
        f"t{number}": (
            rounded(centre + 0.02 * rng.normal(size=dimension)),
            TrackletMetadata(camera=f"c{number % cameras}"),
        )
        for number in range(count)
    }


def stored(name: str, row: Row, seq: int) -> IntactRow:
    """The row after its way through a store."""
    embedding, metadata = row
    body = pack_body(name, embedding, metadata, enrolled_s=1.5)
    read = unpack_row(name, pack_row(name, body, seq=seq))
    if not isinstance(read, IntactRow):
        raise TypeError(read.reason)
    return read


def index_of(rows: Mapping[str, Row], *, segment_rows=(4, 8), scanner: Scanner | None = None):
    """An index after one write for each row."""
    index = GalleryIndex("gallery", DIMENSION, scanner=scanner, segment_rows=segment_rows)
    for seq, (name, row) in enumerate(rows.items(), start=1):
        index.apply([stored(name, row, seq)], [], seq=seq, chain=f"{seq}")
    return index


def passes(name: str, row: Row, chosen: Filter) -> bool:
    """Whether the oracle lets the row pass at `NOW_S`."""
    expires_s = row[1].expires_s
    return chosen.matches(name, row[1]) and (expires_s is None or expires_s > NOW_S)


def nearest_by_hand(rows: Mapping[str, Row], query, chosen: Filter, k: int):
    """(tracklet id, similarity) of the k nearest: highest first, then smallest id."""
    found = [
        (-cosine(row[0], query), name) for name, row in rows.items() if passes(name, row, chosen)
    ]
    return [(name, -negative) for negative, name in sorted(found)[:k]]
