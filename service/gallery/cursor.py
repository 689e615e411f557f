"""Where a listing goes on: after the last id shown, in a form that callers do not take apart."""

import base64

from service.errors import InvalidIdentifier, InvalidQuery
from service.gallery.records import check_identifier


def cursor_after(tracklet_id: str) -> str:
    """The cursor of the page that follows this id."""
    return base64.urlsafe_b64encode(tracklet_id.encode()).decode("ascii")


def last_id(cursor: str) -> str:
    """The id that `cursor` follows.

    Raises:
        InvalidQuery: When it is not a cursor of ours.
    """
    try:
        shown = base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
        return check_identifier("tracklet id", shown)
    except (ValueError, InvalidIdentifier) as error:
        raise InvalidQuery(
            expected="`cursor` as a page gave it in `next_cursor`",
            received="one that no page gave",
            remedy="start again without a cursor",
        ) from error
