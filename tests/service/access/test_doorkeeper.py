import hmac
import logging
import time
from datetime import UTC, datetime

import pytest

from service.access import doorkeeper as module
from service.access.doorkeeper import Doorkeeper
from service.access.keys_file import KeysFileError, change_keys
from service.access.principal import ANYONE, AccessScope
from service.access.refusals import Unauthorized
from tests.api_keys import add_key


@pytest.fixture
def file(tmp_path):
    return tmp_path / "keys.json"


def test_without_a_file_anyone_may_do_everything():
    keeper = Doorkeeper(None)
    assert keeper.lets_anyone_in
    assert keeper.principal_of(None) is ANYONE
    assert keeper.principal_of("whatever") is ANYONE
    assert ANYONE.scopes == set(AccessScope)


def test_a_key_is_known_by_itself_alone(file):
    first = add_key(file, "gate", AccessScope.EMBED, frames_per_s=5)
    second = add_key(file, "desk", AccessScope.SEARCH)
    keeper = Doorkeeper(file)
    assert not keeper.lets_anyone_in
    principal = keeper.principal_of(first)
    assert (principal.name, principal.scopes) == ("gate", {AccessScope.EMBED})
    assert (principal.frames_per_s, principal.requests_per_s) == (5, None)
    assert keeper.principal_of(second).name == "desk"


@pytest.mark.parametrize(
    ("spoil", "received"),
    [
        (lambda key: None, "no key"),
        (lambda key: "", "a key that is not known"),
        (lambda key: key[:-1], "a key that is not known"),
        (lambda key: key + " ", "a key that is not known"),
        (lambda key: key.upper(), "a key that is not known"),
        (lambda key: key * 5, "a key that is not known"),
    ],
)
def test_what_is_not_a_key_is_refused_and_never_repeated(file, spoil, received):
    api_key = spoil(add_key(file, "gate"))
    with pytest.raises(Unauthorized) as caught:
        Doorkeeper(file).principal_of(api_key)
    assert (caught.value.expected, caught.value.received) == ("a valid API key", received)
    assert caught.value.remedy.startswith("send Authorization: Bearer KEY, or X-API-Key: KEY")


def test_the_hash_of_a_key_is_not_a_key(file):
    add_key(file, "gate")
    digest = module.read_keys(file)[0].sha256
    with pytest.raises(Unauthorized):
        Doorkeeper(file).principal_of(digest)


def test_a_key_expires_at_its_moment_and_not_before(file):
    ends = datetime(2026, 6, 1, tzinfo=UTC)
    api_key = add_key(file, "gate", expires=ends)
    clock = [ends.timestamp() - 0.001]
    keeper = Doorkeeper(file, clock=lambda: clock[0])
    assert keeper.principal_of(api_key).name == "gate"
    clock[0] = ends.timestamp()
    with pytest.raises(Unauthorized, match="received a key that has expired"):
        keeper.principal_of(api_key)


def test_every_key_is_compared_in_constant_time(file, monkeypatch):
    first, *_ = [add_key(file, f"key-{number}") for number in range(5)]
    compared = []
    compare = hmac.compare_digest

    def counting(one, other):
        compared.append(one)
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    Doorkeeper(file).principal_of(first)
    assert len(compared) == 5


def test_a_changed_file_is_read_again(file):
    old = add_key(file, "gate")
    keeper = Doorkeeper(file)
    new = add_key(file, "desk")
    with pytest.raises(Unauthorized):
        keeper.principal_of(new)
    keeper.reload()
    assert keeper.principal_of(new).name == "desk"
    change_keys(file, lambda records: [one for one in records if one.name != "gate"])
    keeper.reload()
    with pytest.raises(Unauthorized):
        keeper.principal_of(old)


@pytest.mark.parametrize("spoil", [lambda file: file.write_text("{"), lambda file: file.unlink()])
def test_a_file_that_became_unusable_keeps_the_old_keys_and_is_told_once(file, spoil, caplog):
    api_key = add_key(file, "gate")
    keeper = Doorkeeper(file)
    spoil(file)
    with caplog.at_level(logging.INFO):
        keeper.reload()
        keeper.reload()
    assert [record.getMessage() for record in caplog.records] == ["keys_kept"]
    assert keeper.principal_of(api_key).name == "gate"


def test_a_file_that_is_unusable_at_the_start_is_an_error(file):
    with pytest.raises(KeysFileError, match="expected a keys file at"):
        Doorkeeper(file)


def test_the_thread_sees_a_change_and_its_end_is_a_problem(file, monkeypatch):
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.01)
    add_key(file, "gate")
    keeper = Doorkeeper(file)
    keeper.start()
    assert keeper.problem() is None
    api_key = add_key(file, "desk")
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            assert keeper.principal_of(api_key).name == "desk"
            break
        except Unauthorized:
            time.sleep(0.01)
    else:
        pytest.fail("the change was not seen")
    keeper.close()
    assert keeper.problem() is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_death_of_the_thread_is_a_problem(file, monkeypatch):
    add_key(file, "gate")
    keeper = Doorkeeper(file)

    def broken(path):
        raise RuntimeError

    monkeypatch.setattr(module, "_stamp", broken)
    keeper.start()
    keeper._thread._thread.join(10)
    assert keeper.problem() == "the thread that reads the keys file has ended"
