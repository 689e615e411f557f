"""What is said of a database that is not what was written."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.gallery.gallery_errors import StoreUnavailable


def damaged(what: str, received: str = "something else: the file is damaged") -> StoreUnavailable:
    """The error of a reader that found `what` damaged."""
    return StoreUnavailable(
        expected=f"{what} as it was written",
        received=received,
        remedy="restore the data directory from a backup, and check the disk",
    )


@contextmanager
def intact(what: str) -> Iterator[None]:
    """Report what cannot be made of stored values as damage of `what`."""
    try:
        yield
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise damaged(what) from error
