"""What is on disk, drawn as `tree` would, and no more of it than a person reads."""

import os
from collections.abc import Iterator
from pathlib import Path

from training.data.data_set_root import what_is_at

_DEPTH = 5
_ALL_UP_TO = 6
_FIRST = 2
_IMAGES = (".jpg", ".jpeg", ".png")


def draw_tree(root: Path) -> str:
    """Folders before files, sorted; the first image of a folder, and how much more there is."""
    if not root.is_dir():
        return f"{root}: {what_is_at(root)}\n"
    return "\n".join([f"{root.resolve().name}/", *_lines(root, "", _DEPTH)]) + "\n"


def _lines(folder: Path, indent: str, depth: int) -> Iterator[str]:
    shown = _shown(folder)
    for place, (name, is_folder) in enumerate(shown, start=1):
        last = place == len(shown)
        yield f"{indent}{'└── ' if last else '├── '}{name}{'/' if is_folder else ''}"
        if is_folder and depth > 1:
            yield from _lines(folder / name, indent + ("    " if last else "│   "), depth - 1)


def _shown(folder: Path) -> list[tuple[str, bool]]:
    """Lines of one folder, each with whether it names a folder."""
    try:
        entries = sorted((not entry.is_dir(), entry.name) for entry in os.scandir(folder))
    except PermissionError:
        return [("… which may not be read", False)]
    images = [name for is_file, name in entries if is_file and name.lower().endswith(_IMAGES)]
    pictured = set(images)
    others = [(name, not is_file) for is_file, name in entries if name not in pictured]
    shown = others[: None if len(others) <= _ALL_UP_TO else _FIRST]
    if len(shown) < len(others):
        shown.append((f"… and {len(others) - len(shown):,} more", False))
    shown += [(name, False) for name in images[:1]]
    if len(images) > 1:
        shown.append((f"… and {len(images) - 1:,} more images", False))
    return shown
