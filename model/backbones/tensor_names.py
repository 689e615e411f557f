"""Names of tensors in a message: some of them, and how many."""

from collections.abc import Collection

_SHOWN = 8


def some_names(names: Collection[str]) -> str:
    """The first names, and how many more there are: one wrong network misses hundreds."""
    shown = list(names)[:_SHOWN]
    more = len(names) - len(shown)
    return f"{shown} and {more} more" if more else str(shown)
