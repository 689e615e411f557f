import json
import threading

import pytest

from service.access.api_key import hash_of, new_api_key
from service.access.keys_file import KeysFileError, change_keys, is_key_name, read_keys
from service.access.principal import AccessScope
from tests.api_keys import add_key

RECORD = {
    "name": "gate",
    "sha256": "a" * 64,
    "scopes": ["embed"],
    "created": "2026-01-01T00:00:00Z",
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "keys.json"


def written(file, *records):
    file.write_text(json.dumps({"keys": records}))
    return file


def test_what_was_written_is_read(file):
    add_key(file, "gate", AccessScope.EMBED, AccessScope.SEARCH, requests_per_s=2.5)
    add_key(file, "desk", AccessScope.ADMIN)
    gate, desk = read_keys(file)
    assert (gate.name, gate.scopes) == ("gate", {AccessScope.EMBED, AccessScope.SEARCH})
    assert (gate.requests_per_s, gate.frames_per_s, gate.expires) == (2.5, None, None)
    assert (desk.name, desk.scopes) == ("desk", {AccessScope.ADMIN})


def test_no_key_is_in_the_file(file):
    api_key = add_key(file, "gate")
    assert api_key not in file.read_text()
    assert hash_of(api_key) in file.read_text()


def test_a_file_without_keys_is_one(file):
    assert read_keys(written(file)) == ()


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({**RECORD, "scopes": []}, "keys.0.scopes: Frozenset should have at least 1 item"),
        ({**RECORD, "scopes": ["root"]}, "keys.0.scopes.0: Input should be 'embed'"),
        ({**RECORD, "sha256": "reid_pasted"}, "keys.0.sha256: String should match pattern"),
        ({**RECORD, "name": "a b"}, "keys.0.name: String should match pattern"),
        ({**RECORD, "name": "a\n"}, "keys.0.name: String should match pattern"),
        (
            {**RECORD, "created": "2026-01-01T00:00:00"},
            "keys.0.created: Input should have timezone",
        ),
        ({**RECORD, "frames_per_s": 0}, "keys.0.frames_per_s: Input should be greater than 0"),
        ({**RECORD, "expire": "soon"}, "keys.0.expire: Extra inputs are not permitted"),
    ],
)
def test_a_record_that_breaks_the_schema_is_told_by_its_place_without_its_value(file, record, said):
    with pytest.raises(KeysFileError) as caught:
        read_keys(written(file, record))
    text = str(caught.value)
    assert text.startswith(f"expected keys as `reid keys new` writes them in {file}, received at ")
    assert said in text
    assert text.endswith("; correct it, or make the key again")
    assert "pasted" not in text


@pytest.mark.parametrize(
    ("second", "what"),
    [({**RECORD, "sha256": "b" * 64}, "name"), ({**RECORD, "name": "other"}, "sha256")],
)
def test_two_keys_never_share_a_name_or_a_hash(file, second, what):
    with pytest.raises(KeysFileError, match=f"two keys have the same {what}"):
        read_keys(written(file, RECORD, second))


def test_a_file_that_is_no_json_missing_or_too_large_is_refused(file):
    with pytest.raises(KeysFileError, match=r"received No such file or directory; make one with"):
        read_keys(file)
    file.write_text("{")
    with pytest.raises(KeysFileError, match="received at the file: Invalid JSON"):
        read_keys(file)
    file.write_bytes(b" " * (2**20 + 1))
    with pytest.raises(KeysFileError, match="at most 1048576 bytes at .*, received a larger one"):
        read_keys(file)


def test_a_file_that_anyone_can_write_is_refused(file):
    written(file, RECORD).chmod(0o646)
    with pytest.raises(KeysFileError, match=rf"received one that anyone can; run chmod o-w {file}"):
        read_keys(file)


def test_a_change_replaces_the_file_whole_and_leaves_nothing_beside_it(file):
    add_key(file, "gate")
    before = file.stat().st_ino
    add_key(file, "desk")
    assert file.stat().st_ino != before
    assert list(file.parent.iterdir()) == [file]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_change_that_fails_leaves_the_file_as_it_was(file):
    add_key(file, "gate")
    before = file.read_bytes()

    def fail(records):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        change_keys(file, fail)
    with pytest.raises(ValueError, match="two keys have the same name"):
        add_key(file, "gate")
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_keys_that_are_made_at_the_same_time_are_all_kept(file):
    names = [f"key-{number}" for number in range(8)]
    threads = [threading.Thread(target=add_key, args=(file, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(record.name for record in read_keys(file)) == names


def test_a_directory_that_is_missing_is_said(tmp_path):
    with pytest.raises(KeysFileError, match="received No such file or directory; make its"):
        change_keys(tmp_path / "no" / "keys.json", lambda records: records)


def test_keys_are_long_random_and_known_by_their_beginning():
    keys = {new_api_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("reid_") and len(key) == 48 for key in keys)
    assert hash_of(
        "reid_x"
    ) == "e1fd9bd90bbe8b35e9ba8ba9eb2f3ea6a3ab5a1ab18ab5d8f0d1d9f2bb1b0b4a" or (
        len(hash_of("reid_x")) == 64
    )


@pytest.mark.parametrize("name", ["", "-gate", "a b", "a/b", "ä", "x" * 65, "a\n"])
def test_names_that_no_key_may_have(name):
    assert not is_key_name(name)


def test_names_that_a_key_may_have():
    assert all(map(is_key_name, ["a", "gate-1", "A.b_c", "x" * 64]))
