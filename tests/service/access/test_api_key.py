import base64
import hashlib

from service.access.api_key import MOST_CHARACTERS, PREFIX, hash_of, new_api_key


def test_keys_are_told_by_their_beginning_and_hold_256_random_bits():
    keys = {new_api_key() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        assert key.startswith(PREFIX)
        assert len(base64.urlsafe_b64decode(key.removeprefix(PREFIX) + "=")) == 32
        assert len(key) <= MOST_CHARACTERS


def test_what_is_kept_is_the_sha_256_of_the_whole_key():
    key = new_api_key()
    assert hash_of(key) == hashlib.sha256(key.encode()).hexdigest()
    assert hash_of(key[:-1]) != hash_of(key)
