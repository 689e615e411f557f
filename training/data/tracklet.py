"""One record per tracklet: nothing in training keeps identities and cameras in parallel lists."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tracklet:
    """Frames of one person from one camera, in time order.

    Attributes:
        name: Unique within its data set, made of what the data set calls it.
        identity: Which person; -1 is junk, 0 a distractor.
        camera: Which camera, or None where it is not known.
        frames: Image files in time order; at least one.
        outfit: What the person wears, where the data set tells outfits apart.
        start_s: When the first frame was taken, in seconds from the data set's own zero, or None.

    Raises:
        ValueError: When there are no frames.
    """

    name: str
    identity: int
    camera: int | None
    frames: tuple[Path, ...]
    outfit: str | None = None
    start_s: float | None = None

    def __post_init__(self) -> None:
        if not self.frames:
            raise ValueError(
                f"expected at least one frame in tracklet {self.name!r}, received none; "
                "remove the empty tracklet or restore its frames"
            )


def identities_of(tracklets: Sequence[Tracklet]) -> tuple[int, ...]:
    """The identities seen, sorted, each once."""
    return tuple(sorted({tracklet.identity for tracklet in tracklets}))


def hold_out_identities(
    tracklets: Sequence[Tracklet], count: int
) -> tuple[list[Tracklet], list[Tracklet]]:
    """Split into training and validation by identity: the last `count` identities are held out.

    Junk (-1) and distractors (0) are nobody in particular and belong to neither.

    Raises:
        ValueError: When fewer than two identities would be left to train on.
    """
    people = [tracklet for tracklet in tracklets if tracklet.identity > 0]
    identities = identities_of(people)
    if count > len(identities) - 2:
        raise ValueError(
            f"expected at most {max(len(identities) - 2, 0)} validation identities of "
            f"{len(identities)}, received {count}; hold out fewer"
        )
    held_out = set(identities[len(identities) - count :])
    training = [tracklet for tracklet in people if tracklet.identity not in held_out]
    validation = [tracklet for tracklet in people if tracklet.identity in held_out]
    return training, validation


def tracklets_digest(tracklets: Sequence[Tracklet]) -> str:
    """SHA-256 of who is in the tracklets, wherever the files lie."""
    digest = hashlib.sha256()
    for tracklet in tracklets:
        frames = [path.name for path in tracklet.frames]
        described = (tracklet.name, tracklet.identity, tracklet.camera, frames)
        digest.update(repr(described).encode())
    return digest.hexdigest()
