"""What the gallery holds of a tracklet, and the checks everything passes before it is held."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from service.errors import InvalidEmbedding, InvalidIdentifier, InvalidMetadata

Attribute = str | int | float | bool

_MOST_CHARACTERS = 200
_LEAST_NORM = 1e-6
_ROUND_OFF = 1e-7
"""A vector normalised in float64 and rounded to float32 is off length 1 by at most 2**-24."""


@dataclass(frozen=True, slots=True)
class TrackletMetadata:
    """What is known of a tracklet beside its embedding; attributes are copied and read-only.

    Times are Unix seconds. With only one of start and end known the tracklet is that moment.

    Attributes:
        expires_s: From this moment on the tracklet is found by nothing, and soon deleted.

    Raises:
        InvalidIdentifier: When identity or camera is not an identifier.
        InvalidMetadata: When a time is not finite, the end lies before the start, or an attribute
            is not flat JSON.
    """

    identity: str | None = None
    camera: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    expires_s: float | None = None

    def __post_init__(self) -> None:
        """Check every field, and freeze the attributes."""
        for kind, name in (("identity", self.identity), ("camera", self.camera)):
            if name is not None:
                check_identifier(kind, name)
        start_s, end_s = _checked_time("start", self.start_s), _checked_time("end", self.end_s)
        if start_s is not None and end_s is not None and start_s > end_s:
            raise InvalidMetadata(
                expected="`start` not after `end`",
                received=f"start {start_s} and end {end_s}",
                remedy="swap them, or leave out the one that is not known",
            )
        for name, value in self.attributes.items():
            _check_attribute(name, value)
        object.__setattr__(self, "start_s", start_s)
        object.__setattr__(self, "end_s", end_s)
        object.__setattr__(self, "expires_s", _checked_time("expires", self.expires_s))
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    def has_expired(self, now_s: float) -> bool:
        """Whether the tracklet is found by nothing any more at `now_s`, in Unix seconds."""
        return self.expires_s is not None and self.expires_s <= now_s

    def interval_s(self) -> tuple[float, float] | None:
        """Start and end in Unix seconds, equal for a single moment; None without times."""
        start_s = self.end_s if self.start_s is None else self.start_s
        end_s = self.start_s if self.end_s is None else self.end_s
        return None if start_s is None or end_s is None else (start_s, end_s)


@dataclass(frozen=True, slots=True, eq=False)
class TrackletRecord:
    """One enrolled tracklet: embedding float32 [d] and metadata of the same write.

    Attributes:
        seq: Number of the write in its gallery; grows with every write and is never reused.
        enrolled_s: When it was enrolled, in Unix seconds.
    """

    tracklet_id: str
    metadata: TrackletMetadata
    embedding: NDArray[np.float32]
    seq: int
    enrolled_s: float


def check_identifier(kind: str, value: str) -> str:
    """Return `value` when it can name a `kind`: 1 to 200 printable characters, no slash.

    The names "." and ".." are refused too, since HTTP clients resolve them as path steps.

    Raises:
        InvalidIdentifier: Otherwise.
    """
    if not 1 <= len(value) <= _MOST_CHARACTERS:
        received = f"{len(value)} characters"
    elif "\ufffd" in value:
        # What a path's bytes become when they are not UTF-8: many names would become this one.
        received = "bytes that are not UTF-8"
    elif "/" in value or not value.isprintable():
        received = "a slash or a character that cannot be printed"
    elif value in {".", ".."}:
        received = repr(value)
    else:
        return value
    raise InvalidIdentifier(
        expected=f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} of 1 to {_MOST_CHARACTERS} "
        "printable characters without a slash, other than . and ..",
        received=received,
        remedy=f"choose another {kind}",
    )


def check_embedding(values: ArrayLike, dimension: int) -> NDArray[np.float32]:
    """The values as a read-only float32 [dimension] of length 1; one of length 1 stays as it is.

    Raises:
        InvalidEmbedding: When it is not a vector of that dimension, has a value that is not
            finite, or has no length.
    """
    vector = _vector(values)
    if vector.shape != (dimension,):
        raise _embedding_refused(dimension, f"shape {list(vector.shape)}")
    # A value that is not finite makes the length so too; the product of a vector with itself costs
    # a fraction of looking at each value.
    with np.errstate(over="ignore"):
        norm = math.sqrt(vector.dot(vector))
    if not math.isfinite(norm):
        infinite = int(np.count_nonzero(~np.isfinite(vector)))
        if infinite:
            raise _embedding_refused(dimension, f"{infinite} values that are not finite")
    if not _LEAST_NORM < norm < math.inf:
        raise _embedding_refused(dimension, f"a vector of length {norm:.3g}")
    if abs(norm - 1) > _ROUND_OFF:
        vector = vector / norm
    checked = vector.astype(np.float32)
    checked.flags.writeable = False
    return checked


def _vector(values: ArrayLike) -> NDArray[np.float64]:
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.asarray([], dtype=object)
    if array.dtype.kind not in "fiu":
        raise InvalidEmbedding(
            expected="an embedding of real numbers",
            received=f"values of type {array.dtype}",
            remedy="send the embedding as this model's /embed answers it",
        )
    return array.astype(np.float64)


def _embedding_refused(dimension: int, received: str) -> InvalidEmbedding:
    return InvalidEmbedding(
        expected=f"an embedding of {dimension} finite values and a length above {_LEAST_NORM:g}",
        received=received,
        remedy="send the embedding as this model's /embed answers it",
    )


def _checked_time(name: str, seconds: float | None) -> float | None:
    if seconds is None:
        return None
    if not math.isfinite(seconds):
        raise InvalidMetadata(
            expected=f"`{name}` in finite Unix seconds",
            received=str(seconds),
            remedy="correct it, or leave it out",
        )
    # The store keeps no negative zero, and what is read back must be what was checked.
    return float(seconds) + 0.0


def _check_attribute(name: str, value: Attribute) -> None:
    if not (_is_text(name) and name):
        raise _attribute_refused("a name that is not text")
    if isinstance(value, str):
        fits = _is_text(value)
    elif isinstance(value, float):
        fits = math.isfinite(value)
    else:
        fits = isinstance(value, int) and -(2**63) <= value < 2**63
    if not fits:
        raise _attribute_refused(f"a value of type {type(value).__name__} that is none of them")


def _is_text(value: object) -> bool:
    """Whether it is a string that UTF-8 can write; half a surrogate pair is not."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _attribute_refused(received: str) -> InvalidMetadata:
    return InvalidMetadata(
        expected="attributes from names to text, 64-bit integers, finite numbers, true or false",
        received=received,
        remedy="correct the attribute, or leave it out",
    )
