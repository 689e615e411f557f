"""Changes to a gallery: what one atomic write is made of, and what it answers."""

import hashlib
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidInput
from service.gallery.records import TrackletMetadata

MOST_CHANGES = 256
"""In one write: a larger script would keep Redis from others for too long."""

MOST_KEY_CHARACTERS = 128


@dataclass(frozen=True, slots=True, eq=False)
class Upsert:
    """Enroll a tracklet, or replace the one with its id.

    Args:
        tracklet_id: An identifier.
        embedding: float32 [d] of length 1.
        metadata: What is known of it.
        if_seq: Only where the row's `seq` is this; 0 where there must be none yet.
        enrolled_s: When it was enrolled, in Unix seconds; None for now, by the store's clock.
    """

    tracklet_id: str
    embedding: NDArray[np.float32]
    metadata: TrackletMetadata
    if_seq: int | None = None
    enrolled_s: float | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a tracklet; without one of this id nothing happens.

    Args:
        tracklet_id: An identifier.
        if_seq: Only where the row's `seq` is this.
    """

    tracklet_id: str
    if_seq: int | None = None


Change: TypeAlias = Upsert | Delete
Outcome: TypeAlias = Literal["created", "replaced", "deleted", "absent"]


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Names a request, so that a repetition of it is answered and not done again.

    Args:
        key: 1 to 128 printable ASCII characters, chosen by the caller.
        request: A digest of what was asked, so that another request is not taken for this one.

    Raises:
        InvalidInput: When the key is not such a text.
    """

    key: str
    request: str

    def __post_init__(self) -> None:
        """Check the key."""
        fits = 1 <= len(self.key) <= MOST_KEY_CHARACTERS and self.key.isascii()
        if not (fits and self.key.isprintable()):
            raise InvalidInput(
                expected=f"an idempotency key of 1 to {MOST_KEY_CHARACTERS} printable ASCII "
                "characters",
                received=f"{len(self.key)} characters, or others",
                remedy="send a UUID",
            )


def request_digest(*parts: bytes) -> str:
    """A digest of what a request asks for; each part counts with its length."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that are all made by one write, or not at all.

    Args:
        changes: 1 to 256 of them, each of another tracklet.
        idempotency: Of the request, where the caller gave a key.

    Raises:
        InvalidInput: When there are too few or too many changes, or two of one tracklet.
    """

    changes: tuple[Change, ...]
    idempotency: IdempotencyKey | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be one write."""
        if not 1 <= len(self.changes) <= MOST_CHANGES:
            raise InvalidInput(
                expected=f"1 to {MOST_CHANGES} changes in one write",
                received=str(len(self.changes)),
                remedy="split them into several writes",
            )
        seen: set[str] = set()
        for change in self.changes:
            if change.tracklet_id in seen:
                raise InvalidInput(
                    expected="each tracklet id once in a batch",
                    received=f"{change.tracklet_id!r} twice",
                    remedy="leave one of them out",
                )
            seen.add(change.tracklet_id)


@dataclass(frozen=True, slots=True)
class Written:
    """A durable write.

    Attributes:
        seq: Its number in the gallery; where nothing had to be done, that of the write before.
        outcomes: Of each change, in order.
        repeated: The request had been done before, and this is what it was answered then.
    """

    seq: int
    outcomes: tuple[Outcome, ...]
    repeated: bool = False
