"""Lua scripts of the store: one call of a script is one step, and durable or nothing as a whole."""

import hashlib
from functools import cache
from importlib.resources import files

from redis.exceptions import NoScriptError, RedisError

from service.gallery.stores.redis_connections import Argument, RedisConnections, Reply
from service.gallery.stores.redis_refusals import refusal

_ALLOW_OOM = "#!lua flags=allow-oom\n"


class Script:
    """A script and its digest, by which Redis knows it.

    Args:
        name: Of its file in `scripts`.
        when_full: Let it run, too, when Redis has no more memory.
    """

    def __init__(self, name: str, *, when_full: bool = False) -> None:
        text = files(__package__).joinpath("scripts", f"{name}.lua").read_text("ascii")
        self.text = _ALLOW_OOM + text if when_full else text
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def run(
        self, connections: RedisConnections, keys: tuple[str, ...], *arguments: Argument
    ) -> tuple[str, list[Reply]]:
        """Run it once, and split its reply into the word it starts with and the rest.

        Raises:
            OutcomeUnknown: When no answer came.
            StoreUnavailable: When Redis refused it; nothing was written.
            CapacityExceeded: When Redis has no more memory; nothing was written.
        """
        call = ("EVALSHA", self.sha, len(keys), *keys, *arguments)
        try:
            try:
                reply = connections.write(*call)
            except NoScriptError:
                # A restart or SCRIPT FLUSH. Loading changes no data, so it may be sent again.
                connections.read(("SCRIPT", "LOAD", self.text))
                reply = connections.write(*call)
        except RedisError as error:
            raise refusal(error, connections.place) from error
        return reply[0].decode(), reply[1:]


@cache
def script(name: str, *, when_full: bool = False) -> Script:
    """The script of this name, read once."""
    return Script(name, when_full=when_full)
