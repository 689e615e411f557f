"""`manifest.json` as fields: a JSON object that carries the digest of its own other fields.

By it an edited field is noticed as a changed file is.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

SEAL = "manifest_sha256"

# A manifest is a few thousand bytes; what is no manifest is not read whole to say so.
_MOST_BYTES = 1 << 20


def sealed_json(fields: Mapping[str, object]) -> str:
    """`fields` as indented JSON, with the digest over all of them as the last key."""
    return json.dumps({**fields, SEAL: _digest(fields)}, indent=2, ensure_ascii=False) + "\n"


def read_fields(path: Path) -> dict[str, object]:
    """Every field of the manifest at `path`, the seal among them, which is not checked here.

    Raises:
        OSError: When the file cannot be read.
        ValueError: When it is too large, or no JSON object.
    """
    with path.open("rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(
            f"expected at most {_MOST_BYTES} bytes in {path}, received more; "
            "export the artifact again"
        )
    text = content.decode("utf-8", errors="replace")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_object(path, text) from error
    if not isinstance(fields, dict):
        raise _no_object(path, text)
    return fields


def unsealed(fields: Mapping[str, object]) -> dict[str, object]:
    """All fields but the seal."""
    return {name: value for name, value in fields.items() if name != SEAL}


def require_seal(path: Path, fields: Mapping[str, object]) -> None:
    """Refuse a manifest that was edited after it was written.

    Raises:
        ValueError: When the seal is missing, or that of other fields.
    """
    expected, received = _digest(unsealed(fields)), fields.get(SEAL)
    if received != expected:
        raise ValueError(
            f"expected {SEAL} {expected} over all other fields of {path}, received {received!r}: "
            "it was edited after it was written; copy the artifact again, or write it again with "
            "the command that wrote it"
        )


def _no_object(path: Path, text: str) -> ValueError:
    return ValueError(
        f"expected a JSON object in {path}, received {text[:40]!r}; export the artifact again"
    )


def _digest(fields: Mapping[str, object]) -> str:
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
