"""Embeddings on the wire: a JSON list of numbers, or base64 of little-endian float32."""

import base64
import binascii

import numpy as np
import orjson
from numpy.typing import NDArray

from service.api.wire_types import ACCEPTED_EMBEDDING
from service.errors import InvalidEmbedding
from service.gallery.gallery_errors import ModelMismatch


def decode_embedding(value: list[float] | str) -> NDArray[np.float32]:
    """The vector [d] as sent; dimension and values are the gallery's to check.

    Raises:
        InvalidEmbedding: When text is not base64 of whole float32 values, or a whole number is
            beyond every float.
    """
    if isinstance(value, list):
        try:
            with np.errstate(over="ignore"):
                return np.asarray(value, dtype=np.float64).astype(np.float32)
        except OverflowError as error:
            raise _refused("a whole number beyond every float") from error
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused("text that is not base64") from error
    if len(raw) % 4:
        raise _refused(f"base64 of {len(raw)} bytes, which is not a multiple of 4")
    return np.frombuffer(raw, dtype="<f4").astype(np.float32)


def embedding_of_model(
    value: list[float] | str, *, stated: str | None, served: str
) -> NDArray[np.float32]:
    """As `decode_embedding`, of an embedding that may say which model it is of.

    Args:
        value: As sent.
        stated: Fingerprint of its model; None where the caller does not say.
        served: Fingerprint of the model that is served.

    Raises:
        ModelMismatch: When they differ; names both.
        InvalidEmbedding: As `decode_embedding` does.
    """
    if stated is not None and stated != served:
        raise ModelMismatch(
            expected=f"an embedding of the model that is served, {served}",
            received=f"one of model {stated[:80]!r}",
            remedy="embed the frames with the model that is served",
        )
    return decode_embedding(value)


def embedding_numbers(embedding: NDArray[np.float32]) -> list[float]:
    """The values of an embedding [d], each the shortest decimal that reads back as its float32.

    Widened to float64 as they are, they would print with twice the digits and no more truth.
    """
    numbers: list[float] = orjson.loads(orjson.dumps(embedding, option=orjson.OPT_SERIALIZE_NUMPY))
    return numbers


def embedding_base64(embedding: NDArray[np.float32]) -> str:
    """Base64 of the embedding [d] as little-endian float32."""
    return base64.b64encode(embedding.astype("<f4").tobytes()).decode("ascii")


def _refused(received: str) -> InvalidEmbedding:
    return InvalidEmbedding(
        expected=f"`embedding` to be {ACCEPTED_EMBEDDING}",
        received=received,
        remedy="send the embedding as /embed answered it",
    )
