"""Searches the memory of a running process for bytes that should not be in it."""

import re
from collections.abc import Mapping
from pathlib import Path

_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw\S+ \S+ \S+ \S+\s*(.*)")
"""What the process can write; no other mapping can hold what it was sent."""


def found_in_memory(
    process_id: int, sought: Mapping[str, bytes], *, mapped_as: str
) -> dict[str, list[str]]:
    """Under the name of each needle that is in a mapping of this name: where in memory that is."""
    found: dict[str, list[str]] = {}
    with Path(f"/proc/{process_id}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process_id}/maps").read_text().splitlines():
            mapping = _MAPPING.match(line)
            if mapping is None or mapping[3] != mapped_as:
                continue
            start, end = int(mapping[1], 16), int(mapping[2], 16)
            memory.seek(start)
            held = memory.read(end - start)
            for name, needle in sought.items():
                if needle in held:
                    found.setdefault(name, []).append(mapping[1])
    return found


def found_in_files(directory: Path, sought: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Under the name of each needle that is there: the files in which it is found."""
    found: dict[str, list[str]] = {}
    for path in sorted(each for each in directory.rglob("*") if each.is_file()):
        held = path.read_bytes()
        for name, needle in sought.items():
            if needle in held:
                found.setdefault(name, []).append(str(path.relative_to(directory)))
    return found
