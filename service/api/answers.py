"""What the service answers. The client reads the same models, so the wire has one description.

Times are Unix seconds. Keys are only ever added: a client ignores those that it does not know.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Whatever is answered as JSON."""

    model_config = ConfigDict(frozen=True)


class ModelAnswer(Answer):
    """Which model an embedding belongs to."""

    name: str
    version: str
    fingerprint: str


class RejectedFrameAnswer(Answer):
    """A frame that was not used, by its position in the upload, and why."""

    index: int
    reason: str


class FramesAnswer(Answer):
    """How many frames came, how many were embedded, and which could not be read."""

    received: int
    used: int
    rejected: list[RejectedFrameAnswer]


class EmbedAnswer(Answer):
    """An embedding: a list of numbers, or base64 of little-endian float32."""

    embedding: list[float] | str
    dimension: int
    model: ModelAnswer
    frames: FramesAnswer


class EnrollAnswer(Answer):
    """An acknowledged enrolment: durable, and `visible` unless this replica is behind.

    What is visible is found by every later search here. `repeated` says that the request had been
    done before, under its idempotency key.
    """

    tracklet_id: str
    gallery: str
    gallery_id: str
    seq: int
    created: bool
    visible: bool
    repeated: bool
    frames: FramesAnswer | None
    model: ModelAnswer


class TrackletAnswer(Answer):
    """What the gallery holds of one tracklet; the embedding only when asked for."""

    tracklet_id: str
    identity: str | None
    camera: str | None
    start: float | None
    end: float | None
    attributes: dict[str, bool | int | float | str]
    expires: float | None
    seq: int
    enrolled: float
    embedding: list[float] | None = None


class PageAnswer(Answer):
    """One page of tracklets by id; `next_cursor` is null on the last."""

    tracklets: list[TrackletAnswer]
    next_cursor: str | None
    seq: int


class DeletedTrackletAnswer(Answer):
    """An acknowledged deletion; `visible` and `repeated` as of an enrolment."""

    deleted: bool
    seq: int
    visible: bool
    repeated: bool


class DeletedIdentityAnswer(Answer):
    """How many tracklets of the identity were deleted."""

    deleted: int
    seq: int


class MatchAnswer(Answer):
    """One match; `rank` counts from 1 and `similarity` is the cosine.

    Of an identity the tracklet is its most similar one, and `tracklets` says how many there are.
    `reranked` is what re-ranking ordered it by; it compares matches of one answer only.
    `probability` is the calibrated one that it shows the person asked about; null where the model
    is not calibrated, or the similarity is an average.
    """

    rank: int
    similarity: float
    reranked: float | None
    tracklet_id: str
    identity: str | None
    camera: str | None
    start: float | None
    end: float | None
    attributes: dict[str, bool | int | float | str]
    seq: int
    tracklets: int
    probability: float | None = None


class SearchAnswer(Answer):
    """Matches, best first, among `searched` tracklets that passed the filter.

    `exact`: nothing can be missing, and similarities are those of the rows. `complete`: no better
    match was left out, as far as the tier knows. `truncated`: more matches would have followed.

    `decision` is about the most similar of all that were searched, whatever order and limits of the
    answer: `match` where it reaches `threshold`, which is calibrated for `false_accept_rate`;
    `ambiguous` where it does and another identity is nearly as similar; `unknown` where it does
    not; null where nothing is calibrated, and `warnings` then say why. `margin_to_second` is how
    far it is ahead of the best of another identity; null without one.
    """

    matches: list[MatchAnswer]
    searched: int
    exact: bool
    complete: bool
    truncated: bool
    tier: str
    seq: int
    gallery: str
    gallery_id: str
    model: ModelAnswer
    frames: FramesAnswer | None
    decision: Literal["match", "ambiguous", "unknown"] | None = None
    threshold: float | None = None
    false_accept_rate: float | None = None
    margin_to_second: float | None = None
    warnings: list[str] = []


class PreprocessingAnswer(Answer):
    """How a frame becomes a row of the model's input."""

    height: int
    width: int
    interpolation: str
    colour: str
    most_frames: int
    frames_per_clip: int | None


class InferenceAnswer(Answer):
    """What really runs the model, and how near it came to the embedding of the golden clip.

    A batch holds frames, or clips of a model that sees `frames_per_clip` frames at a time. Every
    lane runs one batch at a time, and `backends` names what does.
    """

    backends: list[str]
    precision: str
    batching_unit: str
    lanes: int
    threads: int
    batch_sizes: list[int]
    golden_cosine: float | None


class ProvenanceAnswer(Answer):
    """Where the model comes from and what it reached."""

    commit: str
    data: str
    protocol: str
    rank_1: float | None
    mean_average_precision: float | None
    data_licence: str


class ServedModelAnswer(ModelAnswer):
    """The model that this service runs; `precision` is the graph's own."""

    dimension: int
    precision: str
    provider: str
    preprocessing: PreprocessingAnswer
    inference: InferenceAnswer
    provenance: ProvenanceAnswer


class AliveAnswer(Answer):
    """The process answers."""

    alive: bool


class ReadyAnswer(Answer):
    """The service takes requests."""

    ready: bool
    tracklets: int
    seq: int


class ErrorDetail(Answer):
    """What was expected, what came, what to do; `code` is stable."""

    code: str
    message: str
    expected: str
    received: str
    remedy: str
    request_id: str | None


class ErrorAnswer(Answer):
    """Every error of the service."""

    error: ErrorDetail
