"""Who of a made-up world is learned from, asked about and searched, in layouts with three parts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.synthetic import SyntheticWorld
from training.data.synthetic_writing import check_range


@dataclass(frozen=True, order=True, slots=True)
class Walk:
    """One walk of a made-up person before a camera; every number counts from 0."""

    identity: int
    camera: int
    recording: int
    outfit: int

    def draw(self, world: SyntheticWorld, frames: int) -> NDArray[np.uint8]:
        """Its frames, RGB `[t, h, w, 3]`."""
        return world.tracklet(
            self.identity, self.camera, self.recording, frames=frames, outfit=self.outfit
        ).frames


@dataclass(frozen=True, slots=True)
class DrawnSplit:
    """Walks in three parts, sorted; no walk is in two of them."""

    train: tuple[Walk, ...]
    query: tuple[Walk, ...]
    gallery: tuple[Walk, ...]

    @property
    def walks(self) -> int:
        """How many there are in all."""
        return len(self.train) + len(self.query) + len(self.gallery)


def split_world(world: SyntheticWorld, *, recordings: int = 1, outfits: int = 1) -> DrawnSplit:
    """The first half of the people to learn from, the others to ask about and to search.

    Everybody passes every camera `recordings` times, in the outfits in turn. Everybody in the
    second half is asked about once, each from the next camera.

    Args:
        world: At least 2 identities and 2 cameras.
        recordings: Walks per identity and camera, at least 1.
        outfits: Per identity, at least 1.

    Raises:
        ValueError: When a number is outside its range.
    """
    for name, value, least in (
        ("identities", world.identities, 2),
        ("cameras", world.cameras, 2),
        ("recordings", recordings, 1),
        ("outfits", outfits, 1),
    ):
        check_range(name, value, least, None)
    train: list[Walk] = []
    query: list[Walk] = []
    gallery: list[Walk] = []
    for walk in _walks(world, recordings, outfits):
        if walk.identity < world.identities // 2:
            train.append(walk)
        elif walk.recording == 0 and walk.camera == walk.identity % world.cameras:
            query.append(walk)
        else:
            gallery.append(walk)
    return DrawnSplit(tuple(train), tuple(query), tuple(gallery))


def _walks(world: SyntheticWorld, recordings: int, outfits: int) -> Iterator[Walk]:
    for identity in range(world.identities):
        for camera in range(world.cameras):
            for recording in range(recordings):
                yield Walk(identity, camera, recording, recording % outfits)
