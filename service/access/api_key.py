"""How an API key looks, is made, and is hashed."""

import hashlib
import secrets

PREFIX = "reid_"
"""So that a key in a log or a repository is recognised as one."""

MOST_CHARACTERS = 200
_RANDOM_BYTES = 32


def new_api_key() -> str:
    """A key of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def hash_of(api_key: str) -> str:
    """What the keys file holds of a key; a slow hash would add nothing to 256 random bits."""
    return hashlib.sha256(api_key.encode("utf-8")).hexdigest()
