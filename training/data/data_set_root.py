"""Where a data set begins, under whichever of its customary folder names."""

from collections.abc import Sequence
from pathlib import Path

from training.data.layout_error import LayoutError


def find_root(root: Path, *, title: str, holds: Sequence[str], names: Sequence[str]) -> Path:
    """The folder that holds one of `holds`: `root`, or a folder in it that is called as usual.

    Args:
        root: What the user gave.
        title: The data set, for the message.
        holds: Paths below the data set's folder, any of which tells that it is the right one.
        names: Customary names of that folder, which `root` may be the parent of.

    Raises:
        LayoutError: When there is no such folder.
    """
    for candidate in (root, *(root / name for name in names)):
        if any((candidate / path).exists() for path in holds):
            return candidate
    wanted = " or ".join(f"{path}/" if "." not in path else path for path in holds)
    places = ", ".join([str(root), *(f"{root}/{name}" for name in names)])
    raise LayoutError(
        f"{title} with {wanted} in one of {places}",
        what_is_at(root),
        "set the root to the folder that the archive of the data set unpacks to",
        paths=[root],
    )


def what_is_at(path: Path) -> str:
    """What was found in place of a data set, in a few words."""
    if not path.exists():
        return "nothing at all"
    if not path.is_dir():
        return "a file"
    entries = sorted(entry.name for entry in path.iterdir())
    if not entries:
        return "an empty folder"
    more = f" and {len(entries) - 5} more" if len(entries) > 5 else ""
    return f"a folder of {', '.join(entries[:5])}{more}"
