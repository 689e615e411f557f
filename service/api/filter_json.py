"""The filter of a request: JSON to a tree of conditions, each operator and key checked by name.

    {"and": [F, ...]}   {"or": [F, ...]}   {"not": F}
    {"equals": {"field": "camera", "value": "c1"}}
    {"in": {"field": "attributes.shift", "values": ["day", "dusk"]}}
    {"exists": {"field": "identity"}}
    {"overlaps": {"start": "2026-01-31T12:00:00Z", "end": 1769860860}}
    {"between": {"field": "attributes.frames", "from": 8, "to": 64}}

Fields are `tracklet_id`, `identity`, `camera` and `attributes.NAME`. What is not known never meets
a condition on it.
"""

import difflib
import math
from collections.abc import Callable, Mapping

import orjson
from pydantic import JsonValue

from service.api.timestamps import unix_seconds
from service.api.wire_types import ACCEPTED_ATTRIBUTE, is_attribute_value
from service.errors import InvalidQuery, MalformedRequest
from service.gallery.filter_tree import (
    MOST_DEPTH,
    All,
    AnyOf,
    Between,
    Equals,
    Exists,
    Filter,
    Not,
    Overlaps,
)
from service.gallery.records import Attribute

_LONGEST_ECHO = 60


def read_filter(value: JsonValue, *, place: str = "filter") -> Filter:
    """The tree that the JSON describes.

    Raises:
        InvalidQuery: For an unknown operator, key or field, a value of the wrong type, and a tree
            deeper or larger than is allowed; says where.
        InvalidIdentifier: For a name that nothing can have.
    """
    return _read(value, place, MOST_DEPTH)


def read_filter_text(text: str) -> Filter:
    """As `read_filter`, of JSON in a query string.

    Raises:
        MalformedRequest: When it is not JSON.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(
            expected="`filter` to be JSON",
            received=str(error)[:200],
            remedy="send it escaped for a URL: curl --get --data-urlencode 'filter={...}'",
        ) from error
    return read_filter(value)


def time_window(start_s: float | None, end_s: float | None) -> list[Filter]:
    """The condition of a window with two ends that may be left out; none without any.

    Raises:
        InvalidQuery: When it ends before it starts.
    """
    if start_s is None and end_s is None:
        return []
    least_s = -math.inf if start_s is None else start_s
    return [Overlaps(least_s, math.inf if end_s is None else end_s)]


def _read(value: JsonValue, place: str, depth: int) -> Filter:
    if depth == 0:
        raise InvalidQuery(
            expected=f"a filter of at most {MOST_DEPTH} levels",
            received="a deeper one",
            remedy="simplify the filter",
        )
    if not isinstance(value, dict) or len(value) != 1:
        raise _refused(place, "an object with one operator as its key", _kind(value))
    ((operator, operand),) = value.items()
    read = _READERS.get(operator)
    if read is None:
        near = difflib.get_close_matches(operator, _READERS, n=1)
        raise InvalidQuery(
            expected=f"`{place}` to have one of the operators {', '.join(_READERS)}",
            received=f"unknown operator {operator[:_LONGEST_ECHO]!r}",
            remedy=f"did you mean `{near[0]}`?" if near else "correct the operator",
        )
    return read(operand, f"{place}.{operator}", depth - 1)


def _and(operand: JsonValue, place: str, depth: int) -> Filter:
    return All(_parts(operand, place, depth))


def _or(operand: JsonValue, place: str, depth: int) -> Filter:
    return AnyOf(_parts(operand, place, depth))


def _not(operand: JsonValue, place: str, depth: int) -> Filter:
    return Not(_read(operand, place, depth))


def _equals(operand: JsonValue, place: str, _depth: int) -> Filter:
    keys = _keys(operand, place, required=("field", "value"))
    return Equals(_field(keys, place), (_attribute(keys["value"], f"{place}.value"),))


def _in(operand: JsonValue, place: str, _depth: int) -> Filter:
    keys = _keys(operand, place, required=("field", "values"))
    values = keys["values"]
    if not isinstance(values, list):
        raise _refused(f"{place}.values", "a list", _kind(values))
    read = tuple(
        _attribute(value, f"{place}.values[{index}]") for index, value in enumerate(values)
    )
    return Equals(_field(keys, place), read)


def _exists(operand: JsonValue, place: str, _depth: int) -> Filter:
    return Exists(_field(_keys(operand, place, required=("field",)), place))


def _overlaps(operand: JsonValue, place: str, _depth: int) -> Filter:
    keys = _keys(operand, place, optional=("start", "end"))
    return Overlaps(
        _moment(keys.get("start"), f"{place}.start", -math.inf),
        _moment(keys.get("end"), f"{place}.end", math.inf),
    )


def _between(operand: JsonValue, place: str, _depth: int) -> Filter:
    keys = _keys(operand, place, required=("field",), optional=("from", "to"))
    return Between(
        _field(keys, place),
        _number(keys.get("from"), f"{place}.from", -math.inf),
        _number(keys.get("to"), f"{place}.to", math.inf),
    )


_READERS: dict[str, Callable[[JsonValue, str, int], Filter]] = {
    "and": _and,
    "or": _or,
    "not": _not,
    "equals": _equals,
    "in": _in,
    "exists": _exists,
    "overlaps": _overlaps,
    "between": _between,
}


def _parts(operand: JsonValue, place: str, depth: int) -> tuple[Filter, ...]:
    if not isinstance(operand, list):
        raise _refused(place, "a list of filters", _kind(operand))
    return tuple(_read(part, f"{place}[{index}]", depth) for index, part in enumerate(operand))


def _keys(
    operand: JsonValue,
    place: str,
    *,
    required: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
) -> Mapping[str, JsonValue]:
    if not isinstance(operand, dict):
        raise _refused(place, "an object", _kind(operand))
    known = (*required, *optional)
    for key in operand:
        if key not in known:
            raise _refused(place, f"only the keys {', '.join(known)}", f"{key[:_LONGEST_ECHO]!r}")
    for key in required:
        if key not in operand:
            raise _refused(place, f"to have the key `{key}`", "none")
    return operand


def _field(keys: Mapping[str, JsonValue], place: str) -> str:
    field = keys["field"]
    if not isinstance(field, str):
        raise _refused(f"{place}.field", "the name of a field", _kind(field))
    return field


def _attribute(value: JsonValue, place: str) -> Attribute:
    if isinstance(value, str | int | float) and is_attribute_value(value):
        return value
    raise _refused(place, ACCEPTED_ATTRIBUTE, _kind(value))


def _moment(value: JsonValue, place: str, otherwise: float) -> float:
    if value is None:
        return otherwise
    try:
        return unix_seconds(value)
    except ValueError as error:
        raise _refused(place, str(error), _kind(value)) from error


def _number(value: JsonValue, place: str, otherwise: float) -> float:
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(place, "a number", _kind(value))
    if not is_attribute_value(value):
        raise _refused(place, "a finite number", _kind(value))
    return value


def _kind(value: JsonValue) -> str:
    match value:
        case None:
            return "null"
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"an object with {len(value)} keys"
        case _:
            return repr(value)[:_LONGEST_ECHO]


def _refused(place: str, wanted: str, received: str) -> InvalidQuery:
    return InvalidQuery(
        expected=f"`{place}` to be {wanted}",
        received=received,
        remedy="correct the filter; /docs shows its operators",
    )
