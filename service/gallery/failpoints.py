"""Named places at which a test makes this process die or fail, to see what is left behind.

`GALLERY_FAILPOINTS=snapshot.renamed:kill@3` kills it at the third passage. Without the variable a
failpoint does nothing.
"""

import os
import signal
import threading
from dataclasses import dataclass
from functools import cache

from service.errors import ReidError

VARIABLE = "GALLERY_FAILPOINTS"

FAILPOINTS = {
    "enroll.before_store": "a write was checked and has not reached the store",
    "enroll.stored": "the store has made a write durable, and nobody has been told",
    "enroll.visible": "a write is visible to searches here, and nobody has been told",
    "sqlite.before_commit": "a transaction is complete and not committed",
    "sqlite.committed": "a transaction is committed, and its result not returned",
    "replica.applied": "rows have been applied to the index, and the position not noted",
    "snapshot.begun": "the temporary directory exists and is empty",
    "snapshot.arrays_written": "every file of a snapshot is written, without its manifest",
    "snapshot.manifest_written": "the manifest is written, and nothing has its final name",
    "snapshot.renamed": "the snapshot has its final name, and CURRENT names the one before",
    "snapshot.current_moved": "CURRENT names the new snapshot, and older ones are still there",
    "erasure.begun": "the identity is marked, and nothing is deleted",
    "erasure.deleted": "the rows are deleted, and their bytes may still be in files and memory",
    "erasure.forgotten": "memory and snapshots are clean, and the store's files may not be",
    "erasure.purged": "every place is clean, and the receipt is not final",
}
"""Every failpoint, and what is true there. A test goes over all of them."""


@dataclass
class _Armed:
    action: str
    passages_left: int


_counting = threading.Lock()


def failpoint(name: str) -> None:
    """Die or fail here, if the process was started so.

    Raises:
        ReidError: When the failpoint is armed with `fail`.
    """
    if not _armed():
        return
    armed = _armed().get(name)
    if armed is None:
        return
    with _counting:
        armed.passages_left -= 1
        due = armed.passages_left == 0
    if due and armed.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if due:
        raise ReidError(
            expected="to pass",
            received=f"a failure at failpoint {name}",
            remedy=f"unset {VARIABLE}",
        )


@cache
def _armed() -> dict[str, _Armed]:
    return dict(_parsed(one) for one in os.environ.get(VARIABLE, "").split(",") if one)


def _parsed(text: str) -> tuple[str, _Armed]:
    name, _, rest = text.partition(":")
    action, _, count = rest.partition("@")
    passages = int(count) if count.isdecimal() else 1 if not count else 0
    if name not in FAILPOINTS or action not in {"kill", "fail"} or passages < 1:
        raise ReidError(
            expected=f"{VARIABLE} as NAME:kill@COUNT or NAME:fail@COUNT between commas",
            received=repr(text[:60]),
            remedy="choose a name of service/gallery/failpoints.py",
        )
    return name, _Armed(action, passages)
