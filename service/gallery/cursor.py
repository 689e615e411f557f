"""Where a listing goes on: after the last name shown, in a form that callers do not take apart."""

import base64
from typing import Literal

from service.errors import InvalidIdentifier, InvalidQuery
from service.gallery.records import check_identifier

Listed = Literal["tracklets", "identities"]

_BETWEEN = "/"
"""In no name, and in no id of a gallery."""


def cursor_after(gallery_id: str, listed: Listed, name: str) -> str:
    """The cursor of the page of this gallery that follows the tracklet or identity `name`."""
    shown = _BETWEEN.join((gallery_id, listed, name))
    return base64.urlsafe_b64encode(shown.encode()).decode("ascii")


def last_name(cursor: str, gallery_id: str, listed: Listed) -> str:
    """The name that `cursor` follows.

    Raises:
        InvalidQuery: When it is not a cursor of this listing. A gallery that was dropped and
            created anew under the same name is another.
    """
    try:
        shown = base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
        listing, _, name = shown.rpartition(_BETWEEN)
        check_identifier("cursor", name)
    except (ValueError, InvalidIdentifier) as error:
        raise _refused() from error
    if listing != f"{gallery_id}{_BETWEEN}{listed}":
        raise _refused()
    return name


def _refused() -> InvalidQuery:
    return InvalidQuery(
        expected="`cursor` as a page of this listing gave it in `next_cursor`",
        received="one that no page of it gave",
        remedy="start again without a cursor",
    )
