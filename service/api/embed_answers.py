"""What `/embed:bulk` answers."""

from typing import Literal

from service.api.answers import Answer, ErrorDetail, FramesAnswer


class EmbedLineAnswer(Answer):
    """One line's embedding with the fingerprint of its model, or an error."""

    line: int
    tracklet_id: str | None
    embedding: list[float] | str | None = None
    model: str | None = None
    frames: FramesAnswer | None = None
    error: ErrorDetail | None = None


class EmbedEndAnswer(Answer):
    """Last line of the answer: without it, lines were not all worked on."""

    done: Literal[True] = True
    received: int
    embedded: int
    failed: int
