"""Who asks, for the audit log: the API key's name, else the address; and the purpose."""

from typing import Annotated

from fastapi import Depends, Header, Request

from service.api.access import key_name
from service.api.request_log import request_id
from service.errors import InvalidInput
from service.gallery.audit import Caller

MOST_PURPOSE_CHARACTERS = 200

_UNKNOWN = "unknown"


async def request_caller(
    request: Request,
    x_purpose: Annotated[
        str | None,
        Header(description="Why this is asked, for the audit log: 1 to 200 printable characters"),
    ] = None,
) -> Caller:
    """Who sent the request.

    Raises:
        InvalidInput: When the purpose is empty, too long, or not printable.
    """
    address = request.client.host if request.client is not None else _UNKNOWN
    return Caller(
        actor=key_name(request.scope) or address,
        purpose=None if x_purpose is None else checked_purpose(x_purpose),
        request_id=request_id(request.scope),
    )


RequestCaller = Annotated[Caller, Depends(request_caller)]


def checked_purpose(sent: str) -> str:
    """The purpose as text; headers come as Latin-1, and most clients mean UTF-8.

    Raises:
        InvalidInput: When it is empty, too long, or not printable.
    """
    try:
        purpose = sent.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        purpose = sent.strip()
    if 1 <= len(purpose) <= MOST_PURPOSE_CHARACTERS and purpose.isprintable():
        return purpose
    raise InvalidInput(
        expected=f"`X-Purpose` of 1 to {MOST_PURPOSE_CHARACTERS} printable characters",
        received=f"{len(purpose)} characters, or others",
        remedy="shorten it, or leave the header out",
    )
