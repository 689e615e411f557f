"""A whole gallery as it stood after one write, a piece at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.gallery.filter_tree import Filter
from service.gallery.index.view import View
from service.gallery.open_gallery import OpenGallery
from service.gallery.records import TrackletMetadata
from service.gallery.stores.protocol import GalleryInfo

_ROWS_IN_A_PIECE = 256


@dataclass(frozen=True, slots=True, eq=False)
class ExportedTracklet:
    """A tracklet of the gallery: everything that is held of it."""

    tracklet_id: str
    metadata: TrackletMetadata
    embedding: NDArray[np.float32]
    seq: int
    enrolled_s: float


class GalleryExport:
    """The tracklets of a gallery that pass a filter, all as of write `seq`.

    Args:
        gallery: Which gallery.
        view: What is exported; it is held until the export is let go.
        chosen: Which tracklets.
    """

    def __init__(self, gallery: OpenGallery, view: View, chosen: Filter) -> None:
        self.info: GalleryInfo = gallery.info
        self.seq = view.state.seq
        self._view = view
        self._rows = view.select(chosen, now_s=gallery.now_s()).rows()

    @property
    def tracklets(self) -> int:
        """How many there are."""
        return len(self._rows)

    def pieces(self) -> Iterator[list[ExportedTracklet]]:
        """All of them."""
        for start in range(0, len(self._rows), _ROWS_IN_A_PIECE):
            rows = self._rows[start : start + _ROWS_IN_A_PIECE]
            embeddings = self._view.embeddings(rows)
            yield [
                ExportedTracklet(
                    head.tracklet_id, head.metadata, embedding, head.seq, head.enrolled_s
                )
                for head, embedding in zip(self._view.heads(rows), embeddings, strict=True)
            ]
