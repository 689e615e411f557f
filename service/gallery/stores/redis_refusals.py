"""Answers of Redis that are no answers, as the errors of the service."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
)

from service.errors import ReidError
from service.gallery.gallery_errors import CapacityExceeded, OutcomeUnknown, StoreUnavailable

RETRY_AFTER_S = 5


def refusal(error: RedisError, place: str) -> ReidError:
    """What a command was refused with, or why none could be sent; nothing was written.

    Args:
        error: From redis-py.
        place: Where Redis is, without a password.
    """
    if isinstance(error, OutOfMemoryError):
        return CapacityExceeded(
            expected="room in the memory of Redis",
            received="a Redis at its `maxmemory`",
            remedy="delete tracklets, or raise `maxmemory`",
        )
    if _is_about_access(error):
        return StoreUnavailable(
            expected=f"leave to use Redis at {place}",
            received=_first_words(error),
            remedy="give the service the user and password that this Redis knows",
        )
    if isinstance(error, ResponseError | BusyLoadingError):
        return StoreUnavailable(
            expected=f"a Redis at {place} that takes commands",
            received=_first_words(error),
            remedy="see the log of Redis, and repeat the request when it does",
            retry_after_s=RETRY_AFTER_S,
        )
    return StoreUnavailable(
        expected=f"Redis at {place}",
        received=f"{type(error).__name__}: {_first_words(error)}",
        remedy="start it, or correct its address",
        retry_after_s=RETRY_AFTER_S,
    )


def outcome_unknown(error: RedisError, place: str) -> OutcomeUnknown:
    """A write was sent, and no answer came."""
    return OutcomeUnknown(
        expected=f"an answer of Redis at {place} to a write",
        received=type(error).__name__,
        remedy="repeat the request with the same idempotency key: it was made whole, or not at all",
        retry_after_s=RETRY_AFTER_S,
    )


def closed_store() -> StoreUnavailable:
    """A call before `open` or after `close`."""
    return StoreUnavailable(
        expected="an open store",
        received="one that is closed",
        remedy="start the service again",
    )


@contextmanager
def as_written(what: str) -> Iterator[None]:
    """Read what this store wrote itself.

    Raises:
        StoreUnavailable: When it has another form by now.
    """
    try:
        yield
    except (ValueError, TypeError, KeyError) as error:
        raise StoreUnavailable(
            expected=f"{what} in Redis as the service wrote it",
            received=f"something else ({type(error).__name__})",
            remedy="restore Redis from a backup",
        ) from error


def _is_about_access(error: RedisError) -> bool:
    known = isinstance(error, AuthenticationError | NoPermissionError)
    return known or str(error).startswith(("NOAUTH", "WRONGPASS", "Authentication required"))


def _first_words(error: RedisError) -> str:
    """Of what Redis says, up to the script and its line."""
    return str(error).partition(" script:")[0][:120] or "no words"
