"""Tracklets into a gallery: one, a batch that is written whole or not at all, or as many as fit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.errors import ReidError
from service.gallery.gallery_errors import IdentityBeingErased, SeqConflict
from service.gallery.open_gallery import Acknowledged, OpenGallery
from service.gallery.records import TrackletMetadata, check_embedding, check_identifier
from service.gallery.stores.batch import Delete, IdempotencyKey, Outcome, Upsert

_ROUNDED_LENGTH = 2e-3
"""An embedding whose values were rounded to float16 is off length 1 by less."""


@dataclass(frozen=True, slots=True, eq=False)
class Enrolment:
    """A tracklet to enroll, or to put in place of the one with its id.

    Args:
        tracklet_id: Its id.
        embedding: [d], of any length above 0.
        metadata: What is known of it.
        if_seq: Only where the row's `seq` is this; 0 where there must be none yet.
        enrolled_s: When it was enrolled, in Unix seconds; None for now.
    """

    tracklet_id: str
    embedding: NDArray[np.float32]
    metadata: TrackletMetadata
    if_seq: int | None = None
    enrolled_s: float | None = None

    def checked(self, dimension: int) -> Upsert:
        """The change that it asks for.

        Raises:
            InvalidIdentifier: When the id is none.
            InvalidEmbedding: When the embedding cannot be one of this dimension.
        """
        check_identifier("tracklet id", self.tracklet_id)
        embedding = check_embedding(self.embedding, dimension)
        if self.enrolled_s is not None:
            embedding = _as_exported(self.embedding, embedding)
        return Upsert(self.tracklet_id, embedding, self.metadata, self.if_seq, self.enrolled_s)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of one of many tracklets: the outcome and `seq` of its write, or an error."""

    tracklet_id: str
    outcome: Outcome | None = None
    seq: int | None = None
    visible: bool = False
    error: ReidError | None = None


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """Tracklets to enroll and ids to delete, 256 together at most, in one write or none."""

    enroll: tuple[Enrolment, ...]
    delete: tuple[str, ...]
    idempotency: IdempotencyKey | None = None


def write_batch(gallery: OpenGallery, request: BatchRequest) -> Acknowledged:
    """Do all that the batch asks for in one write.

    Raises:
        InvalidInput: When any part of it cannot be done: nothing is.
        ReidError: As `GalleryStore.write` does.
    """
    dimension = gallery.info.spec.model.dimension
    upserts = [enrolment.checked(dimension) for enrolment in request.enroll]
    deletes = [Delete(check_identifier("tracklet id", name)) for name in request.delete]
    return gallery.write([*upserts, *deletes], request.idempotency)


def enroll_each(gallery: OpenGallery, enrolments: Sequence[Enrolment]) -> list[Enrolled]:
    """Enroll all that can be, 256 at most and each of another id; one write where none is refused.

    What cannot be enrolled is left out and told; the others are written as if it had not been
    there.
    """
    dimension = gallery.info.spec.model.dimension
    told: dict[str, Enrolled] = {}
    upserts: list[Upsert] = []
    for enrolment in enrolments:
        try:
            upserts.append(enrolment.checked(dimension))
        except ReidError as error:
            told[enrolment.tracklet_id] = Enrolled(enrolment.tracklet_id, error=error)
    for enrolled in _write_each(gallery, upserts):
        told[enrolled.tracklet_id] = enrolled
    return [told[enrolment.tracklet_id] for enrolment in enrolments]


def _write_each(gallery: OpenGallery, upserts: Sequence[Upsert]) -> list[Enrolled]:
    if not upserts:
        return []
    try:
        written = gallery.write(upserts)
    except SeqConflict as error:
        return _without(gallery, upserts, error)
    except IdentityBeingErased as error:
        if len(upserts) > 1:
            half = len(upserts) // 2
            return _write_each(gallery, upserts[:half]) + _write_each(gallery, upserts[half:])
        return _refused(upserts, error)
    except ReidError as error:
        return _refused(upserts, error)
    return [
        Enrolled(upsert.tracklet_id, outcome, written.seq, written.visible)
        for upsert, outcome in zip(upserts, written.outcomes, strict=True)
    ]


def _without(
    gallery: OpenGallery, upserts: Sequence[Upsert], conflict: SeqConflict
) -> list[Enrolled]:
    left_out = [upsert for upsert in upserts if upsert.tracklet_id in conflict.held]
    left = [upsert for upsert in upserts if upsert.tracklet_id not in conflict.held]
    told = [
        Enrolled(
            upsert.tracklet_id,
            error=SeqConflict({upsert.tracklet_id: conflict.held[upsert.tracklet_id]}),
        )
        for upsert in left_out
    ]
    return told + _write_each(gallery, left)


def _refused(upserts: Sequence[Upsert], error: ReidError) -> list[Enrolled]:
    return [Enrolled(upsert.tracklet_id, error=error) for upsert in upserts]


def _as_exported(sent: NDArray[np.float32], normalised: NDArray[np.float32]) -> NDArray[np.float32]:
    """The embedding with the very values that a gallery exported, where it can be one of those.

    Its length is that of values rounded to float16. To make it 1 and to round again would change
    the last digits with every move from gallery to gallery.
    """
    length = math.sqrt(float(np.square(sent, dtype=np.float64).sum()))
    return np.asarray(sent, np.float32) if abs(length - 1) < _ROUNDED_LENGTH else normalised
