"""The client's own file of what it asked for and what was acknowledged, and what follows from it.

The file belongs to a process that is never killed. A line is on disk before its request is sent and
another after its answer came. Every writer works on tracklets of its own, one request at a time, so
at most the last request of each writer may be either done or not.
"""

import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Held = dict[str, int]
"""Version by tracklet id."""


@dataclass(frozen=True)
class Operation:
    """One atomic request: all its tracklets get `version`, or all are deleted."""

    writer: int
    number: int
    kind: Literal["put", "delete"]
    version: int
    tracklet_ids: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"writer-{self.writer}-operation-{self.number}"

    def applied(self, held: Held) -> Held:
        others = {name: kept for name, kept in held.items() if name not in self.tracklet_ids}
        if self.kind == "delete":
            return others
        return others | dict.fromkeys(self.tracklet_ids, self.version)


class Acknowledgements:
    """Appends to the file; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._appending = threading.Lock()

    def tried(self, operation: Operation) -> None:
        self._append({"tried": asdict(operation)})

    def acknowledged(self, operation: Operation, seq: int) -> None:
        self._append({"acknowledged": [operation.writer, operation.number, seq]})

    def close(self) -> None:
        os.close(self._descriptor)

    def _append(self, line: dict[str, object]) -> None:
        with self._appending:
            os.write(self._descriptor, (json.dumps(line) + "\n").encode())
            os.fsync(self._descriptor)


@dataclass
class _Story:
    """Of one writer: what is certain, and the request that may be either way."""

    held: Held
    pending: Operation | None = None
    last_seq: int = 0


def complaints(path: Path, held: Held) -> list[str]:
    """Where the held tracklets contradict the file; empty when every promise was kept."""
    found: list[str] = []
    stories: dict[int, _Story] = {}
    for line in map(json.loads, path.read_text().splitlines()):
        if "tried" in line:
            operation = Operation(
                **{**line["tried"], "tracklet_ids": tuple(line["tried"]["tracklet_ids"])}
            )
            stories.setdefault(operation.writer, _Story({})).pending = operation
            continue
        writer, number, seq = line["acknowledged"]
        story = stories[writer]
        if story.pending is None or story.pending.number != number:
            found.append(f"writer {writer}: {number} was acknowledged and not being tried")
            continue
        if seq <= story.last_seq:
            found.append(f"writer {writer}: seq {seq} follows {story.last_seq}")
        story.held, story.pending, story.last_seq = story.pending.applied(story.held), None, seq
    for writer, story in sorted(stories.items()):
        mine = {name: kept for name, kept in held.items() if name.startswith(f"w{writer}-")}
        possible = [story.held]
        if story.pending is not None:
            possible.append(story.pending.applied(story.held))
        if mine not in possible:
            found.append(_difference(writer, mine, story))
    known = tuple(f"w{writer}-" for writer in stories)
    found.extend(f"{name} was never enrolled" for name in held if not name.startswith(known))
    return found


def _difference(writer: int, mine: Held, story: _Story) -> str:
    lost = sorted(set(story.held) - set(mine))
    ghosts = sorted(set(mine) - set(story.held))
    other = sorted(n for n in set(mine) & set(story.held) if mine[n] != story.held[n])
    return (
        f"writer {writer}: lost {lost[:5]}, ghosts {ghosts[:5]}, other versions {other[:5]}, "
        f"pending {story.pending}"
    )
