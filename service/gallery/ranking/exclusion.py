"""Which tracklets a search leaves out by name, however many they are."""

from collections.abc import Iterable

from service.gallery.filter_tree import MOST_VALUES, Equals, Filter, Joined, Not


def none_of(field: str, values: Iterable[str]) -> Filter:
    """Passed by tracklets whose `field` is none of the values, or is not known."""
    names = tuple(sorted(values))
    return Joined(
        tuple(
            Not(Equals(field, names[start : start + MOST_VALUES]))
            for start in range(0, len(names), MOST_VALUES)
        )
    )
