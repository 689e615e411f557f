"""Several data sets learned from at once, without two of them sharing a person or a camera."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from training.data.tracklet import Tracklet, identities_of


def mix_tracklets(sources: Mapping[str, Sequence[Tracklet]]) -> tuple[Tracklet, ...]:
    """One list to learn from: identities and cameras renumbered from 1, names `source/tracklet`.

    Every data set counts its people and cameras from small numbers; mixed as they are, two people
    would be one. The result depends on the names of the sources and on what is in them, not on
    their order. Junk and distractors are nobody to learn from and are left out; an unknown camera
    stays unknown.

    Args:
        sources: Name → training tracklets. Two roots of one data set are two names.

    Raises:
        ValueError: When there is nothing to mix, a name is empty or has a slash, a source has no
            identity, or a tracklet's name comes twice in one source.
    """
    if not sources:
        raise ValueError(
            "expected at least one data set to mix, received none; name one to learn from"
        )
    mixed: list[Tracklet] = []
    identities_before, cameras_before = 0, 0
    for name, tracklets in sorted(sources.items()):
        people = _people(name, tracklets)
        identity_of = _numbers(identities_of(people), identities_before)
        camera_of = _numbers(_cameras_of(people), cameras_before)
        mixed += [
            replace(
                tracklet,
                name=f"{name}/{tracklet.name}",
                identity=identity_of[tracklet.identity],
                camera=None if tracklet.camera is None else camera_of[tracklet.camera],
            )
            for tracklet in people
        ]
        identities_before += len(identity_of)
        cameras_before += len(camera_of)
    return tuple(mixed)


def _people(source: str, tracklets: Sequence[Tracklet]) -> list[Tracklet]:
    if not source or "/" in source:
        raise ValueError(
            f"expected names of data sets without a slash, received {source!r}; "
            "rename it: tracklets are called name/tracklet"
        )
    people = sorted((t for t in tracklets if t.identity > 0), key=lambda tracklet: tracklet.name)
    if not people:
        raise ValueError(
            f"expected identities to learn from in {source!r}, received {len(tracklets)} tracklets "
            "that are all junk or distractors; leave the data set out"
        )
    for first, second in pairwise(people):
        if first.name == second.name:
            raise ValueError(
                f"expected each tracklet of {source!r} once, received {first.name!r} twice; "
                "give two roots two names"
            )
    return people


def _numbers(values: Sequence[int], before: int) -> dict[int, int]:
    return {value: number for number, value in enumerate(values, start=before + 1)}


def _cameras_of(tracklets: Sequence[Tracklet]) -> list[int]:
    return sorted({tracklet.camera for tracklet in tracklets if tracklet.camera is not None})
