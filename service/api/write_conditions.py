"""When a write may be made: not twice under one key, and only upon what the caller has seen."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Query

from service.api.schemas import DeleteQuery, WriteQuery
from service.errors import InvalidInput
from service.gallery.stores.batch import IdempotencyKey, request_digest

_SEQ_TAG = re.compile(r'"?(\d{1,18})"?')
_NONE_YET = 0


@dataclass(frozen=True, slots=True)
class WriteConditions:
    """What headers and query string say about a write.

    Attributes:
        if_seq: Only where the tracklet's `seq` is this; 0 where there must be none yet.
        key: Of the request, or None.
    """

    if_seq: int | None
    key: str | None

    def idempotency(self, *parts: bytes) -> IdempotencyKey | None:
        """The key with a digest of what is asked, given as `parts` and the condition.

        Raises:
            InvalidInput: When the key is not such a text.
        """
        if self.key is None:
            return None
        return IdempotencyKey(self.key, request_digest(*parts, str(self.if_seq).encode()))


def write_conditions(
    query: Annotated[WriteQuery, Query()],
    idempotency_key: Annotated[
        str | None, Header(description="Names the request: repeated, it is answered, not redone.")
    ] = None,
    if_match: Annotated[str | None, Header(description='As `if_seq`: an ETag, "12".')] = None,
    if_none_match: Annotated[str | None, Header(description="* for `if_seq=0`.")] = None,
) -> WriteConditions:
    """The conditions of a request.

    Raises:
        InvalidInput: When a header cannot be read, or they contradict each other.
    """
    asked = {query.if_seq, _tagged(if_match), _none_yet(if_none_match)} - {None}
    if len(asked) > 1:
        raise InvalidInput(
            expected="one of if_seq, If-Match and If-None-Match",
            received="several that differ",
            remedy="leave all but one out",
        )
    if idempotency_key is not None:
        IdempotencyKey(idempotency_key, "")  # refuses a key before frames are embedded
    return WriteConditions(next(iter(asked), None), idempotency_key)


def delete_conditions(
    query: Annotated[DeleteQuery, Query()],
    idempotency_key: Annotated[str | None, Header(description="Names the request.")] = None,
    if_match: Annotated[str | None, Header(description='As `if_seq`: an ETag, "12".')] = None,
) -> WriteConditions:
    """As `write_conditions`, for a deletion.

    Raises:
        InvalidInput: When a header cannot be read, or they contradict each other, or there is a
            condition upon an erasure, which takes the tracklet as it is.
    """
    conditions = write_conditions(query, idempotency_key, if_match)
    if query.erase and conditions.if_seq is not None:
        raise InvalidInput(
            expected="`erase=true` without `if_seq` and If-Match",
            received="an erasure upon a condition",
            remedy="leave the condition out: whatever the tracklet is now is erased",
        )
    return conditions


Conditions = Annotated[WriteConditions, Depends(write_conditions)]


def batch_conditions(conditions: Conditions) -> WriteConditions:
    """As `write_conditions`, for many tracklets, each of which has its own `if_seq`.

    Raises:
        InvalidInput: When there is a condition upon all of them.
    """
    if conditions.if_seq is not None:
        raise InvalidInput(
            expected="`if_seq` in the body, beside the tracklet that it is of",
            received="one for the whole batch",
            remedy="leave if_seq, If-Match and If-None-Match out of query string and headers",
        )
    return conditions


BatchConditions = Annotated[WriteConditions, Depends(batch_conditions)]

DeleteConditions = Annotated[WriteConditions, Depends(delete_conditions)]


def seq_tag(seq: int) -> str:
    """The ETag of a tracklet."""
    return f'"{seq}"'


def _tagged(header: str | None) -> int | None:
    if header is None:
        return None
    found = _SEQ_TAG.fullmatch(header.strip())
    if found is None:
        raise InvalidInput(
            expected="If-Match to be the ETag of one tracklet",
            received=repr(header[:40]),
            remedy="send the ETag that reading the tracklet answered",
        )
    return int(found[1])


def _none_yet(header: str | None) -> int | None:
    if header is None:
        return None
    if header.strip() != "*":
        raise InvalidInput(
            expected="If-None-Match to be *",
            received=repr(header[:40]),
            remedy="send *, or leave it out",
        )
    return _NONE_YET
