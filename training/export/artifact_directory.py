"""An artifact directory appears whole, or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.manifest import MANIFEST_FILE


@contextmanager
def staged(directory: Path) -> Iterator[Path]:
    """An empty directory to fill; it takes the place of `directory` when the body ends well.

    An earlier artifact is replaced then, and left alone when the body raises. A link is followed:
    what it points at is replaced, and the link stays.

    Raises:
        ValueError: When `directory` holds something that is no artifact, or cannot be made.
    """
    directory = directory.resolve()
    staging = directory.with_name(f".{directory.name}.staging")
    try:
        require_artifact_or_nothing(directory)
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
    except OSError as error:
        raise ValueError(
            f"expected a place where a directory can be made at {directory}, received: "
            f"{error.strerror}; name another one for the artifact"
        ) from error
    try:
        yield staging
        _swap(staging, directory)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def require_artifact_or_nothing(directory: Path) -> None:
    """What is replaced is removed: never a directory that holds anything else.

    Raises:
        ValueError: When `directory` holds something that is no artifact.
    """
    if not directory.exists():
        return
    if not directory.is_dir() or (
        any(directory.iterdir()) and not (directory / MANIFEST_FILE).is_file()
    ):
        raise ValueError(
            f"expected {directory} to be absent, empty or an artifact, received something else; "
            "name the artifact's own directory"
        )


def _swap(staging: Path, directory: Path) -> None:
    """Swap the finished artifact in; the earlier one comes back when that fails."""
    previous = directory.with_name(f".{directory.name}.previous")
    shutil.rmtree(previous, ignore_errors=True)
    if directory.exists():
        directory.rename(previous)
    try:
        staging.rename(directory)
    except OSError:
        if previous.exists():
            previous.rename(directory)
        raise
    shutil.rmtree(previous, ignore_errors=True)
