"""Refuses a Redis that would lose what it acknowledged."""

from dataclasses import dataclass

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.redis_connections import Ask

OLDEST = (7, 0)


@dataclass(frozen=True, slots=True)
class _Promise:
    """An option that must have one value, and what is lost where it has another."""

    option: str
    value: str
    otherwise: str


_PROMISES = (
    _Promise("appendonly", "yes", "nothing survives a restart"),
    _Promise("appendfsync", "always", "acknowledged writes are lost when the power fails"),
    _Promise("no-appendfsync-on-rewrite", "no", "writes during a rewrite are not flushed"),
    _Promise("maxmemory-policy", "noeviction", "Redis deletes tracklets when its memory is full"),
)


def require_durable(ask: Ask) -> None:
    """Check that the server keeps what it acknowledges, and that this is a single master.

    Args:
        ask: Sends one command to it.

    Raises:
        StoreUnavailable: Otherwise; says what to change.
    """
    server = info(ask(b"INFO", b"server"))
    version = server.get("redis_version", "0")
    if _numbers(version) < OLDEST:
        raise _refused(
            expected=f"Redis {'.'.join(map(str, OLDEST))} or later",
            received=f"version {version}",
            remedy="install a newer one",
        )
    if server.get("redis_mode") != "standalone":
        raise _refused(
            expected="a single Redis, since one write spans several keys",
            received=f"one in mode {server.get('redis_mode')}",
            remedy="give the gallery a Redis of its own",
        )
    role = info(ask(b"INFO", b"replication")).get("role")
    if role != "master":
        raise _refused(
            expected="a Redis that takes writes",
            received=f"one in the role {role}",
            remedy="give the address of its master",
        )
    _require_options(ask)


def _require_options(ask: Ask) -> None:
    words = ask(b"CONFIG", b"GET", *(promise.option.encode() for promise in _PROMISES))
    held = dict(zip(words[::2], words[1::2], strict=True))
    for promise in _PROMISES:
        value = held.get(promise.option.encode(), b"nothing").decode()
        if value != promise.value:
            raise _refused(
                expected=f"Redis with `{promise.option} {promise.value}`",
                received=f"`{promise.option} {value}`, with which {promise.otherwise}",
                remedy=f"set `{promise.option} {promise.value}` in redis.conf and by CONFIG SET",
            )


def info(reply: bytes) -> dict[str, str]:
    """The fields of an answer to INFO."""
    lines = (line.partition(":") for line in reply.decode().splitlines() if ":" in line)
    return {name: value for name, _, value in lines}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _refused(*, expected: str, received: str, remedy: str) -> StoreUnavailable:
    return StoreUnavailable(expected=expected, received=received, remedy=remedy)
