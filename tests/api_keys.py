"""Keys files for tests, written as `reid keys new` writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from service.access.api_key import hash_of, new_api_key
from service.access.keys_file import KeyRecord, change_keys
from service.access.principal import AccessScope


def add_key(path: Path, name: str, *scopes: AccessScope, **more: object) -> str:
    """Add a key to the file; the key."""
    api_key = new_api_key()
    record = KeyRecord(
        name=name,
        sha256=hash_of(api_key),
        scopes=frozenset(scopes) or frozenset(AccessScope),
        created=datetime.now(UTC),
        **more,
    )
    change_keys(path, lambda records: (*records, record))
    return api_key


def bearer(api_key: str) -> Mapping[str, str]:
    """The header that carries a key."""
    return {"Authorization": f"Bearer {api_key}"}
