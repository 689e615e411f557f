"""Which directory an artifact may be loaded from, whoever asks."""

from pathlib import Path

from service.errors import InvalidInput
from service.settings import Settings


def chosen_artifact(settings: Settings, asked: str | None) -> Path:
    """The directory that is asked for, links followed.

    Args:
        settings: Of them `artifact_dir` and `artifact_root`.
        asked: A path from `artifact_root` on, or an absolute one below it; None for
            `artifact_dir`, which the operator has chosen.

    Raises:
        InvalidInput: When it is no directory below `artifact_root`; what there is elsewhere is
            not told.
    """
    if asked is None:
        return settings.artifact_dir.resolve()
    root = (settings.artifact_root or settings.artifact_dir.parent).resolve()
    found = _directory(root, asked)
    if found is None:
        raise InvalidInput(
            expected="`artifact_dir` of a directory below REID_ARTIFACT_ROOT",
            received=repr(asked)[:100],
            remedy="copy the artifact there, or name one that is there",
        )
    return found


def _directory(root: Path, asked: str) -> Path | None:
    try:
        found = (root / asked).resolve()
        return found if found.is_relative_to(root) and found.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, links in a circle
        return None
