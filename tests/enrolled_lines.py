"""Tracklets as JSON for the service of the tests, whose model has 20 dimensions."""

import json

from service.api.embedding_codec import embedding_base64, embedding_numbers
from tests.artifact_factory import DIMENSION
from tests.gallery_rows import embedding_of


def item(name: str, seed: int = 1, **more: object) -> dict[str, object]:
    """A tracklet as batches and lines take it."""
    metadata = {key: more.pop(key) for key in ("identity", "camera", "expires") if key in more}
    embedding = embedding_base64(embedding_of(seed, DIMENSION))
    return {"tracklet_id": name, "embedding": embedding, "metadata": metadata, **more}


def numbers(seed: int = 1) -> list[float]:
    return embedding_numbers(embedding_of(seed, DIMENSION))


def ndjson(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def read_lines(content: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in content.splitlines()]
