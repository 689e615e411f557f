"""Describes bodies that the routes read themselves, so that `/docs` shows and sends them."""

from typing import TypeAlias

from pydantic import BaseModel

SchemaValue: TypeAlias = "JsonSchema | list[SchemaValue] | str | int | float | bool | None"
JsonSchema: TypeAlias = dict[str, SchemaValue]

_FRAMES: JsonSchema = {
    "type": "array",
    "description": "JPEG, PNG or WebP crops of one person, in time order",
    "items": {"type": "string", "format": "binary"},
}


def body_docs(
    *,
    field: str | None = None,
    in_field: type[BaseModel] | None = None,
    as_json: type[BaseModel] | None = None,
) -> dict[str, JsonSchema]:
    """OpenAPI's `requestBody` for a route.

    Args:
        field: Name of the JSON field beside the frames of a multipart body.
        in_field: What the field holds.
        as_json: What a JSON body holds, where the route takes one.
    """
    properties: JsonSchema = {"frames": _FRAMES}
    if field is not None and in_field is not None:
        properties[field] = _inlined(in_field)
    content: JsonSchema = {
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["frames"], "properties": properties}
        }
    }
    if as_json is not None:
        content["application/json"] = {"schema": _inlined(as_json)}
    return {"requestBody": {"required": True, "content": content}}


def json_docs(body: type[BaseModel]) -> dict[str, JsonSchema]:
    """OpenAPI's `requestBody` for a route that takes JSON alone."""
    return _content("application/json", body)


def lines_docs(line: type[BaseModel]) -> dict[str, JsonSchema]:
    """OpenAPI's `requestBody` for a route that takes one JSON object a line."""
    return _content("application/x-ndjson", line)


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
