"""Small integers for the values that rows have in a field, so that a filter compares integers.

One thread assigns codes; any other may read meanwhile, since a code never changes its meaning.
"""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.gallery.filter_tree import Between
from service.gallery.records import Attribute

UNKNOWN = -1
"""The code of a row that has no value in the field."""

_EXACT_IN_FLOAT64 = 2**53
_BEYOND_FLOAT64 = 2**1023
_FIRST_CAPACITY = 64

_Key: TypeAlias = tuple[type, Attribute]


class ValueTable:
    """The values of one field, in the order of their codes.

    Args:
        values: Those that have the codes from 0 on.
    """

    def __init__(self, values: Iterable[Attribute] = ()) -> None:
        self._values: list[Attribute] = []
        self._code: dict[_Key, int] = {}
        self._numbers = np.full(_FIRST_CAPACITY, np.nan)
        self._wide: list[int] = []
        for value in values:
            self.assign(value)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, code: int) -> Attribute:
        return self._values[code]

    def values(self) -> list[Attribute]:
        """A copy of all values."""
        return list(self._values)

    def assign(self, value: Attribute) -> int:
        """The code of exactly this value, a new one if it has none yet."""
        code = self._code.get(_key(value))
        if code is None:
            code = len(self._values)
            self._keep_number(code, value)
            self._values.append(value)
            self._code[_key(value)] = code
        return code

    def equal(self, wanted: Iterable[Attribute]) -> list[int]:
        """Codes of every value that a filter takes for one of `wanted`."""
        twins = (twin for value in wanted for twin in _twins(value))
        found = (self._code.get(_key(twin)) for twin in twins)
        return sorted({code for code in found if code is not None})

    def between(self, chosen: Between) -> NDArray[np.bool_]:
        """Whether each code [n] passes; the last element is for `UNKNOWN`, and False."""
        known = len(self._values)
        numbers = self._numbers[:known]
        passed = np.zeros(known + 1, dtype=np.bool_)
        least, below = _bound(chosen.least), _bound(chosen.below)
        passed[:known] = (numbers >= least) & (numbers < below)
        for code in self._wide:
            if code < known:
                # float64 would round these: compare them as Python does.
                passed[code] = chosen.least <= self._values[code] < chosen.below  # type: ignore[operator]
        return passed

    def _keep_number(self, code: int, value: Attribute) -> None:
        if code == len(self._numbers):
            # A new array: a reader may hold the old one.
            self._numbers = np.concatenate([self._numbers, np.full(code, np.nan)])
        if isinstance(value, bool | str):
            return
        if abs(value) >= _EXACT_IN_FLOAT64:
            self._wide.append(code)
        else:
            self._numbers[code] = value


class Vocabulary:
    """The value tables of all fields of a gallery."""

    def __init__(
        self,
        cameras: ValueTable | None = None,
        identities: ValueTable | None = None,
        attributes: dict[str, ValueTable] | None = None,
    ) -> None:
        self.cameras = cameras or ValueTable()
        self.identities = identities or ValueTable()
        self._attributes = attributes or {}

    def attribute(self, name: str) -> ValueTable:
        """The table of an attribute, an empty one where no row ever had it."""
        return self._attributes.get(name) or ValueTable()

    def attribute_names(self) -> list[str]:
        """Attributes that have a table, by name."""
        return sorted(self._attributes)

    def assign_attribute(self, name: str, value: Attribute) -> int:
        """The code of this value of this attribute."""
        table = self._attributes.get(name)
        if table is None:
            table = ValueTable()
            # A new dictionary: a reader may be going through the old one.
            self._attributes = {**self._attributes, name: table}
        return table.assign(value)

    def tables(self) -> list[ValueTable]:
        """Every table."""
        return [self.cameras, self.identities, *self._attributes.values()]


def _key(value: Attribute) -> _Key:
    """Different for 1, 1.0 and True, and for the two zeros: each is read back as it was."""
    return (type(value), value.hex() if isinstance(value, float) else value)


def _twins(value: Attribute) -> list[Attribute]:
    """The values that equal this one, as `filter_tree.same_value` has it."""
    if isinstance(value, bool | str):
        return [value]
    if value == 0:
        return [0, 0.0, -0.0]
    if isinstance(value, float):
        return [value, int(value)] if value.is_integer() else [value]
    fits = abs(value) < _BEYOND_FLOAT64 and float(value) == value
    return [value, float(value)] if fits else [value]


def _bound(number: float) -> float:
    """The same order against numbers below 2**53, without overflow."""
    if isinstance(number, int) and abs(number) >= _BEYOND_FLOAT64:
        return np.inf if number > 0 else -np.inf
    return float(number)
