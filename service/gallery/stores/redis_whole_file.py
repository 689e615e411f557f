"""Has Redis write its append-only file anew after each of its starts, before the first write."""

import time

from redis.exceptions import ResponseError

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.redis_connections import Ask
from service.gallery.stores.redis_guard import info
from service.gallery.stores.redis_refusals import RETRY_AFTER_S

_LOOK_EVERY_S = 0.005
_UNDER_WAY = ("aof_rewrite_in_progress", "aof_rewrite_scheduled")


class WholeFile:
    """Remembers the start of Redis whose file is known to be whole.

    A kill may tear the end of the file within the commands of a script. Redis 7.0 then loads
    nothing of the script, and yet cuts the file only after its last whole command: a MULTI that
    nothing ends is left there. At the next start it swallows the first write that came after, and
    half of the script is done. A file that was written anew has no such end.

    Args:
        within_s: Who needs the file waits so long for it, and is refused then.
    """

    def __init__(self, within_s: float) -> None:
        self.within_s = within_s
        self._whole_run = ""

    def require(self, ask: Ask) -> None:
        """Return when the file has been written anew since Redis started.

        Args:
            ask: Sends one command to it.

        Raises:
            StoreUnavailable: When it takes longer than `within_s`, or fails.
        """
        run = info(ask(b"INFO", b"server"))["run_id"]
        if run == self._whole_run:
            return
        until_s, has_begun = time.monotonic() + self.within_s, False
        while True:
            held = info(ask(b"INFO", b"persistence"))
            if any(held[name] != "0" for name in _UNDER_WAY):
                if time.monotonic() > until_s:
                    raise _refused("one that is still writing it")
                time.sleep(_LOOK_EVERY_S)
            elif held["aof_rewrites"] != "0" and held["aof_last_bgrewrite_status"] == "ok":
                self._whole_run = run
                return
            elif has_begun:
                raise _refused("a failure, which its log explains")
            else:
                has_begun = _begins(ask)


def _begins(ask: Ask) -> bool:
    """Whether Redis took the command, and another was not there first."""
    try:
        ask(b"BGREWRITEAOF")
    except ResponseError as error:
        if "in progress" in str(error):
            return False
        raise
    return True


def _refused(received: str) -> StoreUnavailable:
    return StoreUnavailable(
        expected="Redis to write its append-only file anew after its start",
        received=received,
        remedy="repeat the request; where this goes on, make room on the disk of Redis",
        retry_after_s=RETRY_AFTER_S,
    )
