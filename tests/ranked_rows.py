"""Galleries small enough to rank by hand, and the lines that do so."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.index.view import View
from service.gallery.ranking.search import SearchOptions
from service.gallery.records import TrackletMetadata, TrackletRecord, check_embedding
from service.gallery.stores.row_codec import IntactRow

DIMENSION = 4
NOW_S = 100.0

Row = tuple[NDArray[np.float32], TrackletMetadata]


def unit(values) -> NDArray[np.float32]:
    """Of length 1, with the values that float16 can hold, as a gallery keeps it."""
    values = np.asarray(values)
    return check_embedding(values, len(values)).astype(np.float16).astype(np.float32)


few = st.lists(st.integers(-1, 1), min_size=DIMENSION, max_size=DIMENSION).filter(any)
embeddings = few.map(unit) | st.integers(0, 50).map(
    lambda seed: unit(np.random.default_rng(seed).normal(size=DIMENSION))
)
"""Simple ones, so that equal similarities are common, and others, so that roundings are."""

tracklet_ids = st.sampled_from([f"t{number}" for number in range(16)])
cameras = st.none() | st.sampled_from(["c0", "c1", "c2"])
intervals = st.just((None, None)) | st.tuples(st.integers(0, 5), st.integers(0, 3)).map(
    lambda pair: (float(pair[0]), float(pair[0] + pair[1]))
)
metadatas = st.builds(
    lambda identity, camera, interval, expires: TrackletMetadata(
        identity, camera, *interval, {}, expires
    ),
    st.none() | st.sampled_from(["p0", "p1", "p2", "t3"]),
    cameras,
    intervals,
    st.none() | st.sampled_from([NOW_S - 1, NOW_S, NOW_S + 1]),
)
rows_by_id = st.dictionaries(tracklet_ids, st.tuples(embeddings, metadatas), max_size=16)


def intact(name: str, row: Row, seq: int) -> IntactRow:
    """The row as the store of the gallery would give it."""
    return IntactRow(TrackletRecord(name, row[1], row[0], seq, 1.5), digest=seq)


def index_of(rows: Mapping[str, Row], *, dimension: int = DIMENSION, segment_rows=(4, 8)):
    """An index of several small segments after as many writes as there are rows."""
    index = GalleryIndex("gallery", dimension, segment_rows=segment_rows)
    written = [intact(name, row, seq) for seq, (name, row) in enumerate(rows.items(), start=1)]
    index.apply(written, [], seq=len(written), chain="c")
    return index


def view_of(rows: Mapping[str, Row]) -> View:
    return index_of(rows).view


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    one, other = one.astype(float), other.astype(float)
    return float(
        np.float32((one * other).sum() / np.sqrt((one * one).sum() * (other * other).sum()))
    )


def matches_by_hand(rows: Mapping[str, Row], query, options: SearchOptions, tree):
    """(tracklet id, similarity, tracklets) of every match that the options allow, all of them."""
    groups = defaultdict(list)
    for name, (embedding, metadata) in rows.items():
        if tree.matches(name, metadata) and (metadata.expires_s or math.inf) > NOW_S:
            named = options.group_by == "identity" and metadata.identity is not None
            key = ("identity", metadata.identity) if named else ("tracklet", name)
            groups[key].append((-cosine(embedding, query), name))
    counted = {"max": 1, "mean": None, "top-m": options.group_top_m}[options.group_mode]
    found = []
    for members in groups.values():
        members.sort()
        values = [-negative for negative, _ in members[:counted]]
        mean = float(np.float32(math.fsum(values) / len(values)))
        if options.min_similarity is None or mean >= options.min_similarity:
            found.append((-mean, members[0][1], len(members)))
    found.sort()
    seen: Counter[str] = Counter()
    kept = []
    for negative, name, size in found:
        camera = rows[name][1].camera
        seen[camera] += 1
        most = options.max_per_camera
        if camera is None or most is None or seen[camera] <= most:
            kept.append((name, -negative, size))
    return kept
