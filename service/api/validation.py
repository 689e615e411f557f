"""From pydantic's findings to one error that names the field, what was expected and what came."""

import difflib
from collections.abc import Iterator, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from service.errors import (
    BodyTooLarge,
    InvalidEmbedding,
    InvalidInput,
    InvalidMetadata,
    MalformedRequest,
    ReidError,
)

Body = TypeVar("Body", bound=BaseModel)

_FAULT_BY_FIELD: dict[str, type[InvalidInput]] = {
    "embedding": InvalidEmbedding,
    "metadata": InvalidMetadata,
}
MOST_VALUES = 250_000
"""Of one JSON text: each is an object in memory, and nobody is answered while they are made."""

_LONGEST_ECHO = 60
_MOST_FINDINGS = 1000
"""Pydantic tells all or none of them, and millions would take seconds to tell."""
_LENGTHS = {
    "too_short": (True, "entries"),
    "too_long": (False, "entries"),
    "string_too_short": (True, "characters"),
    "string_too_long": (False, "characters"),
}
"""Whether too little came, and of what."""


def parse_json(
    model: type[Body], raw: bytes, *, fault: type[InvalidInput], most_values: int = MOST_VALUES
) -> Body:
    """Read JSON into `model`.

    Raises:
        BodyTooLarge: When it has more than `most_values`, by its commas.
        MalformedRequest: When it is not JSON.
        InvalidInput: Of type `fault`, or of the field's own type, for the first wrong field.
    """
    if (commas := raw.count(b",")) >= most_values:
        raise BodyTooLarge(
            expected=f"JSON of at most {most_values} values",
            received=f"{commas} commas",
            remedy="send less at a time, or numbers in binary",
        )
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if error.error_count() > _MOST_FINDINGS:
            raise fault(
                expected="JSON of the schema",
                received=f"{error.error_count()} findings",
                remedy="/docs shows the schema",
            ) from None
        found = error.errors(include_url=False)
        raise field_error(found, fault=fault, known=sorted(_field_names(model))) from None


def field_error(
    found: Sequence[ErrorDetails], *, fault: type[InvalidInput], known: Sequence[str] = ()
) -> ReidError:
    """The first finding as an error of the service; the others are counted.

    Args:
        found: Pydantic's findings, at least one.
        fault: The error's type, unless the field has its own.
        known: Field names to suggest for an unknown one.
    """
    first = found[0]
    if first["type"] == "json_invalid":
        return _not_json(str(first.get("ctx", {}).get("error", "text that is not JSON")))
    place = [str(step) for step in first["loc"]]
    fault = _FAULT_BY_FIELD.get(place[0], fault) if place else fault
    name = _field_path(place)
    also = f" ({len(found) - 1} more findings)" if _distinct_fields(found) > 1 else ""
    if first["type"] == "extra_forbidden":
        return _unknown_key(name, fault=fault, known=known)
    missing = first["type"] == "missing"
    received = "nothing" if missing else f"{_described(first['input'])}{also}"
    return fault(
        expected=f"`{name}` to be {_wanted(first)}" if name else _wanted(first),
        received=received,
        remedy=f"correct `{name}`; /docs shows the schema" if name else "/docs shows the schema",
    )


def _not_json(detail: str) -> MalformedRequest:
    return MalformedRequest(
        expected="a JSON object in UTF-8",
        received=detail[:200],
        remedy="send well-formed JSON",
    )


def _unknown_key(name: str, *, fault: type[InvalidInput], known: Sequence[str]) -> InvalidInput:
    near = difflib.get_close_matches(name.rsplit(".", 1)[-1], known, n=1)
    return fault(
        expected="only known keys",
        received=f"unknown key `{name[:_LONGEST_ECHO]}`",
        remedy=f"did you mean `{near[0]}`?" if near else "leave it out; /docs shows the schema",
    )


def _wanted(finding: ErrorDetails) -> str:
    if finding["type"] == "missing":
        return "present"
    if finding["type"] == "value_error":
        return str(finding["ctx"]["error"])
    if finding["type"] in _LENGTHS:
        few, unit = _LENGTHS[finding["type"]]
        bound = finding["ctx"]["min_length" if few else "max_length"]
        return f"{'at least' if few else 'at most'} {bound} {unit} long"
    message = finding["msg"]
    return message.removeprefix("Input should be ").removeprefix("Input should ")


def _described(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"an object with {len(value)} keys"
        case str() if len(value) > _LONGEST_ECHO:
            return f"text of {len(value)} characters"
        case _:
            return repr(value)[:_LONGEST_ECHO]


def _field_path(place: Sequence[str]) -> str:
    """The path a caller would write; pydantic adds `[key]` when a key itself is wrong."""
    return ".".join(step[:_LONGEST_ECHO] for step in place if step != "[key]")


def _distinct_fields(found: Sequence[ErrorDetails]) -> int:
    return len({finding["loc"][:1] for finding in found})


def _field_names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _field_names(field.annotation)
