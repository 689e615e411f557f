"""The nearest tracklets with at most so many of each camera."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from service.gallery.filter_tree import Filter, Joined
from service.gallery.index.view import Hit, View
from service.gallery.ranking.exclusion import none_of


def nearest_per_camera(
    view: View, query: NDArray[np.float32], chosen: Filter, *, now_s: float, k: int, most: int
) -> list[Hit]:
    """The first k tracklets that pass, of each camera only its first `most`; exact.

    Tracklets of an unknown camera are not limited: nothing says that they share one. Whenever a
    camera has given its share it is left out of the next scan, so no scan asks for more than k.
    """
    full: dict[str, list[Hit]] = {}
    while True:
        selection = view.select(Joined((chosen, none_of("camera", full))), now_s=now_s)
        scanned = view.nearest(query[None], selection, k)[0]
        # The share of a full camera was nearer than what is left, or is as near as it.
        kept = _limited([*chain.from_iterable(full.values()), *scanned], most)
        if len(kept) >= k or selection.count <= k:
            return kept[:k]
        held = Counter(hit.metadata.camera for hit in scanned)
        for camera, count in held.items():
            if camera is not None and count >= most:
                full[camera] = [hit for hit in scanned if hit.metadata.camera == camera][:most]


def _limited(hits: Sequence[Hit], most: int) -> list[Hit]:
    """In order, of each camera the first `most`."""
    seen: Counter[str | None] = Counter()
    kept = []
    for hit in sorted(hits, key=lambda hit: (-hit.similarity, hit.tracklet_id)):
        seen[hit.metadata.camera] += 1
        if hit.metadata.camera is None or seen[hit.metadata.camera] <= most:
            kept.append(hit)
    return kept
