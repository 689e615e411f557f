"""What the service answers. The client reads the same models, so the wire has one description.

Times are Unix seconds. Keys are only ever added: a client ignores those that it does not know.
"""

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ModelAnswer(_Answer):
    """Which model an embedding belongs to."""

    name: str
    version: str
    fingerprint: str


class RejectedFrameAnswer(_Answer):
    """A frame that was not used, by its position in the upload, and why."""

    index: int
    reason: str


class FramesAnswer(_Answer):
    """How many frames came, how many were embedded, and which could not be read."""

    received: int
    used: int
    rejected: list[RejectedFrameAnswer]


class EmbedAnswer(_Answer):
    """An embedding: a list of numbers, or base64 of little-endian float32."""

    embedding: list[float] | str
    dimension: int
    model: ModelAnswer
    frames: FramesAnswer


class EnrollAnswer(_Answer):
    """An acknowledged enrolment: durable, and found by every later search."""

    tracklet_id: str
    gallery: str
    seq: int
    created: bool
    frames: FramesAnswer | None
    model: ModelAnswer


class TrackletAnswer(_Answer):
    """What the gallery holds of one tracklet; the embedding only when asked for."""

    tracklet_id: str
    identity: str | None
    camera: str | None
    start: float | None
    end: float | None
    attributes: dict[str, bool | int | float | str]
    seq: int
    enrolled: float
    embedding: list[float] | None = None


class PageAnswer(_Answer):
    """One page of tracklets by id; `next_cursor` is null on the last."""

    tracklets: list[TrackletAnswer]
    next_cursor: str | None


class DeletedTrackletAnswer(_Answer):
    """An acknowledged deletion."""

    deleted: bool
    seq: int


class DeletedIdentityAnswer(_Answer):
    """How many tracklets of the identity were deleted."""

    deleted: int


class MatchAnswer(_Answer):
    """One match; `rank` counts from 1 and `similarity` is the cosine."""

    rank: int
    similarity: float
    tracklet_id: str
    identity: str | None
    camera: str | None
    start: float | None
    end: float | None
    attributes: dict[str, bool | int | float | str]


class SearchAnswer(_Answer):
    """Matches, best first, among `searched` tracklets that passed the filter."""

    matches: list[MatchAnswer]
    searched: int
    seq: int
    gallery: str
    model: ModelAnswer
    frames: FramesAnswer | None


class PreprocessingAnswer(_Answer):
    """How a frame becomes a row of the model's input."""

    height: int
    width: int
    interpolation: str
    colour: str
    most_frames: int


class ProvenanceAnswer(_Answer):
    """Where the model comes from and what it reached."""

    commit: str
    data: str
    protocol: str
    rank_1: float | None
    mean_average_precision: float | None
    data_licence: str


class ServedModelAnswer(ModelAnswer):
    """The model that this service runs."""

    dimension: int
    precision: str
    provider: str
    preprocessing: PreprocessingAnswer
    provenance: ProvenanceAnswer


class AliveAnswer(_Answer):
    """The process answers."""

    alive: bool


class ReadyAnswer(_Answer):
    """The service takes requests."""

    ready: bool
    tracklets: int
    seq: int


class ErrorDetail(_Answer):
    """What was expected, what came, what to do; `code` is stable."""

    code: str
    message: str
    expected: str
    received: str
    remedy: str
    request_id: str | None


class ErrorAnswer(_Answer):
    """Every error of the service."""

    error: ErrorDetail
