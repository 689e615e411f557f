"""Describes bodies that the routes read themselves, so that `/docs` shows and sends them."""

from typing import Any, TypeAlias

from pydantic import BaseModel

from service.api.dependencies import JSON, MSGPACK, MULTIPART, RAW, VIDEO
from service.api.frames_in import json_header
from service.api.lines_in import NDJSON
from service.api.raw_frames import SHAPE_HEADER

SchemaValue: TypeAlias = "JsonSchema | list[SchemaValue] | str | int | float | bool | None"
JsonSchema: TypeAlias = dict[str, SchemaValue]

_BINARY: JsonSchema = {"type": "string", "format": "binary"}
_FRAMES: JsonSchema = {
    "type": "array",
    "description": "JPEG, PNG or WebP crops of one person, in time order",
    "minItems": 1,
    "items": _BINARY,
}
_VIDEO: JsonSchema = {
    **_BINARY,
    "description": "A video of crops of one person, in place of frames",
}
_PIXELS: JsonSchema = {**_BINARY, "description": "uint8 RGB, frames by rows by columns by 3"}
_SHAPE: JsonSchema = {
    "type": "array",
    "description": "Of the pixels: frames, rows, columns and 3",
    "minItems": 4,
    "maxItems": 4,
    "items": {"type": "integer", "minimum": 1},
}
_FORM: JsonSchema = {"frames": _FRAMES, "video": _VIDEO}
_PACKED: JsonSchema = {"frames": _FRAMES, "pixels": _PIXELS, "shape": _SHAPE, "video": _VIDEO}
_OF_PIXELS = "Shape of a body of pixels: frames, rows, columns and 3, as 8,256,128,3"
_BESIDE = "where the body is pixels or a video"


def body_docs(
    *,
    field: str | None = None,
    in_field: type[BaseModel] | None = None,
    as_json: type[BaseModel] | None = None,
) -> dict[str, SchemaValue]:
    """OpenAPI's `requestBody` and `parameters` for a route that takes a tracklet.

    Args:
        field: Name of the JSON field beside the frames of a multipart body.
        in_field: What the field holds.
        as_json: What a JSON body holds, where the route takes one.
    """
    beside: JsonSchema = {}
    parameters: list[SchemaValue] = [_header(SHAPE_HEADER, {"type": "string"}, _OF_PIXELS)]
    if field is not None and in_field is not None:
        beside = {field: _inlined(in_field)}
        schema: JsonSchema = {"type": "string", "contentMediaType": JSON}
        parameters.append(_header(json_header(field), schema, f"`{field}`, {_BESIDE}"))
    content: JsonSchema = {
        MULTIPART: {"schema": _object(_FORM, beside, [["frames"], ["video"]])},
        MSGPACK: {"schema": _object(_PACKED, beside, [["frames"], ["pixels", "shape"], ["video"]])},
        RAW: {"schema": _PIXELS},
        VIDEO: {"schema": _VIDEO},
    }
    if as_json is not None:
        content[JSON] = {"schema": _inlined(as_json)}
    return {"parameters": parameters, "requestBody": {"required": True, "content": content}}


def _object(forms: JsonSchema, beside: JsonSchema, one_of: list[list[str]]) -> JsonSchema:
    required: list[SchemaValue] = [{"required": [*names]} for names in one_of]
    return {"type": "object", "properties": {**forms, **beside}, "oneOf": required}


def _header(name: str, schema: JsonSchema, description: str) -> JsonSchema:
    return {"name": name, "in": "header", "schema": schema, "description": description}


def json_docs(body: type[BaseModel]) -> dict[str, JsonSchema]:
    """OpenAPI's `requestBody` for a route that takes JSON alone."""
    return _content("application/json", body)


def lines_docs(line: type[BaseModel]) -> dict[str, JsonSchema]:
    """OpenAPI's `requestBody` for a route that takes one JSON object a line."""
    return _content(NDJSON, line)


def line_answers(line: type[BaseModel], end: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` of a route that answers one JSON object a line.

    Args:
        line: What most lines are.
        end: What the last one is.
    """
    lines: JsonSchema = {"anyOf": [_inlined(line), _inlined(end)]}
    content = {NDJSON: {"schema": lines}}
    said = f"One {line.__name__} a line, in the order of the lines, and {end.__name__} at last"
    return {200: {"description": said, "content": content}}


def _content(media_type: str, body: type[BaseModel]) -> dict[str, JsonSchema]:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": _inlined(body)}}}}


def _inlined(model: type[BaseModel]) -> JsonSchema:
    """The model's schema without `$ref`, which would point outside of the place it is put in."""
    schema: JsonSchema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    return _resolve(schema, definitions if isinstance(definitions, dict) else {})


def _resolve(schema: JsonSchema, definitions: JsonSchema) -> JsonSchema:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target = definitions[reference.rsplit("/", 1)[-1]]
        if isinstance(target, dict):
            return _resolve(target, definitions)
    return {key: _resolved_value(value, definitions) for key, value in schema.items()}


def _resolved_value(value: SchemaValue, definitions: JsonSchema) -> SchemaValue:
    if isinstance(value, dict):
        return _resolve(value, definitions)
    if isinstance(value, list):
        return [_resolved_value(each, definitions) for each in value]
    return value
