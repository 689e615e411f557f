"""Where a listing goes on: after the last name shown, in a form that callers do not take apart."""

import base64

from service.errors import InvalidIdentifier, InvalidQuery
from service.gallery.records import check_identifier

_BETWEEN = "/"
"""In no name, and in no id of a gallery."""


def cursor_after(gallery_id: str, name: str) -> str:
    """The cursor of the page of this gallery that follows the tracklet or identity `name`."""
    return base64.urlsafe_b64encode(f"{gallery_id}{_BETWEEN}{name}".encode()).decode("ascii")


def last_name(cursor: str, gallery_id: str) -> str:
    """The name that `cursor` follows.

    Raises:
        InvalidQuery: When it is not a cursor of ours, or of another gallery: one that was dropped
            and created anew under the same name is another.
    """
    try:
        shown = base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
        held_id, _, name = shown.partition(_BETWEEN)
        check_identifier("cursor", name)
    except (ValueError, InvalidIdentifier) as error:
        raise _refused() from error
    if held_id != gallery_id:
        raise _refused()
    return name


def _refused() -> InvalidQuery:
    return InvalidQuery(
        expected="`cursor` as a page of this gallery gave it in `next_cursor`",
        received="one that no page of it gave",
        remedy="start again without a cursor",
    )
