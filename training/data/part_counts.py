"""What is in one part of a data set, beside what its authors say is in it."""

from collections.abc import Sequence
from dataclasses import asdict

from training.data.data_set_layout import PublishedCounts
from training.data.tracklet import Tracklet
from training.frozen_model import FrozenModel


class PartCounts(FrozenModel):
    """Counts of one part.

    Attributes:
        identities: People, neither junk (-1) nor distractors (0).
        tracklets: All of them, junk and distractors too.
        frames: Images of all tracklets.
        cameras: How many are known.
        junk: Tracklets of identity -1.
        distractors: Tracklets of identity 0.
        shortest: Frames of the shortest tracklet; 0 where there is none.
        longest: Frames of the longest tracklet; 0 where there is none.
        without_camera: Tracklets whose camera is not known.
    """

    identities: int
    tracklets: int
    frames: int
    cameras: int
    junk: int
    distractors: int
    shortest: int
    longest: int
    without_camera: int


def count_part(tracklets: Sequence[Tracklet]) -> PartCounts:
    """Count one part of a split."""
    lengths = [len(tracklet.frames) for tracklet in tracklets]
    identities = [tracklet.identity for tracklet in tracklets]
    cameras = [tracklet.camera for tracklet in tracklets]
    return PartCounts(
        identities=len({identity for identity in identities if identity > 0}),
        tracklets=len(tracklets),
        frames=sum(lengths),
        cameras=len(set(cameras) - {None}),
        junk=identities.count(-1),
        distractors=identities.count(0),
        shortest=min(lengths, default=0),
        longest=max(lengths, default=0),
        without_camera=cameras.count(None),
    )


def published_values(published: PublishedCounts | None) -> dict[str, int]:
    """Measure → published number, of the measures for which there is one."""
    if published is None:
        return {}
    return {measure: n for measure, n in asdict(published).items() if n is not None}


def differing_measures(found: PartCounts, published: dict[str, int]) -> tuple[str, ...]:
    """The measures that are not as published, sorted."""
    return tuple(sorted(m for m, wanted in published.items() if getattr(found, m) != wanted))
