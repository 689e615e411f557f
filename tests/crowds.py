"""Galleries of some thousand rows that look like people: tracklets gathered about identities."""

import numpy as np

from service.gallery.index.ann import AnnBase, GraphShape, build_base
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.records import TrackletMetadata
from tests.ranked_rows import Row, index_of, unit

CROWD_DIMENSION = 16
PEOPLE = 150
SEGMENT_ROWS = (256, 1024)


def crowd(rows: int, *, seed: int = 0, first: int = 0) -> dict[str, Row]:
    """Rows of 150 identities at four cameras; the same people for every seed."""
    people = np.random.default_rng(77).normal(size=(PEOPLE, CROWD_DIMENSION))
    drawn = np.random.default_rng(seed)
    found = {}
    for number in range(first, first + rows):
        person = int(drawn.integers(PEOPLE))
        seen = people[person] + 0.5 * drawn.normal(size=CROWD_DIMENSION)
        metadata = TrackletMetadata(f"p{person}", f"c{number % 4}", float(number), number + 5.0)
        found[f"t{number:05}"] = (unit(seen), metadata)
    return found


def crowd_index(rows: int = 3000, *, seed: int = 0) -> GalleryIndex:
    """An index of so many rows in several segments."""
    return index_of(crowd(rows, seed=seed), dimension=CROWD_DIMENSION, segment_rows=SEGMENT_ROWS)


def questions(count: int, *, seed: int = 900) -> np.ndarray:
    """Embeddings [q, d] of people of the crowd that are in no gallery."""
    return np.stack([embedding for embedding, _ in crowd(count, seed=seed).values()])


def base_of(view, selection, shape: GraphShape | None = None) -> AnnBase:
    """A base of the selected rows."""
    built = build_base(
        selection,
        [part.segment for part in view.parts],
        shape=shape or GraphShape(),
        threads=1,
        is_wanted=lambda: True,
    )
    assert built is not None
    return built
