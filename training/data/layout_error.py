"""What is wrong with a data set on disk: one sentence, and every path that is wrong that way."""

from collections.abc import Sequence
from pathlib import Path


class LayoutError(ValueError):
    """A data set that is not laid out as its reader expects.

    Attributes:
        paths: Everything that is wrong in this way, sorted; empty where no single path is.
        remedy: What mends it.
    """

    def __init__(
        self, expected: str, received: str, remedy: str, *, paths: Sequence[Path] = ()
    ) -> None:
        """The message reads "expected …, received …; remedy"."""
        super().__init__(f"expected {expected}, received {received}; {remedy}")
        self.paths = tuple(sorted(paths))
        self.remedy = remedy


def first_of(paths: Sequence[Path]) -> str:
    """The name of the first path, and how many more there are."""
    first = repr(min(paths).name)
    return first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"
