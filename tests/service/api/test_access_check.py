import asyncio

import pytest

from service.access.doorkeeper import Doorkeeper
from service.access.frame_quota import spend_frames
from service.access.principal import ANYONE, AccessScope
from service.access.refusals import Forbidden, QuotaExceeded, Unauthorized
from service.api.access_check import AccessCheck, is_loopback
from tests.api_keys import add_key


@pytest.fixture
def file(tmp_path):
    return tmp_path / "keys.json"


def found(doorkeeper, *headers, local_only=False, inside=lambda: None):
    """What the middleware notes about a request with these headers."""
    noted = []

    async def app(scope, receive, send):
        inside()
        noted.append(scope["state"]["access"])

    check = AccessCheck(app, doorkeeper=doorkeeper, local_only=local_only)
    raw = [(name.encode(), value.encode()) for name, value in headers]
    asyncio.run(check({"type": "http", "headers": raw}, None, None))
    return noted[0]


def test_the_key_is_taken_from_either_header(file):
    api_key = add_key(file, "gate", AccessScope.EMBED)
    doorkeeper = Doorkeeper(file)
    for header in (("authorization", f"Bearer {api_key}"), ("x-api-key", f" {api_key} ")):
        assert found(doorkeeper, header).name == "gate"
    both = (("authorization", f"bearer {api_key}"), ("x-api-key", api_key))
    assert found(doorkeeper, *both).name == "gate"


@pytest.mark.parametrize("value", ["Basic Z2F0ZQ==", "reid_x", "Bearer", ""])
def test_another_scheme_is_no_key(file, value):
    add_key(file, "gate")
    refused = found(Doorkeeper(file), ("authorization", value))
    assert isinstance(refused, Unauthorized)
    assert refused.received == "no key"


def test_two_different_keys_are_refused_although_one_is_good(file):
    api_key = add_key(file, "gate")
    for others in (
        [("x-api-key", "reid_other"), ("authorization", f"Bearer {api_key}")],
        [("x-api-key", "reid_other"), ("x-api-key", api_key)],
    ):
        refused = found(Doorkeeper(file), *others)
        assert isinstance(refused, Unauthorized)
        assert (refused.expected, refused.received) == ("one API key", "2 different ones")


def test_frames_are_counted_against_the_key_that_sent_them(file):
    api_key = add_key(file, "gate", frames_per_s=1)
    doorkeeper = Doorkeeper(file)
    header = ("x-api-key", api_key)
    found(doorkeeper, header, inside=lambda: spend_frames(10))
    with pytest.raises(QuotaExceeded):
        found(doorkeeper, header, inside=lambda: spend_frames(1))
    other = add_key(file, "desk", frames_per_s=1)
    doorkeeper.reload()
    found(doorkeeper, ("x-api-key", other), inside=lambda: spend_frames(10))


LOCAL = ["localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:80", "[::1]:8000"]
FOREIGN = [
    "evil.example",
    "127.0.0.1.evil.example:8000",
    "10.0.0.1",
    "[::2]",
    "localhost.evil",
    "[",
]


@pytest.mark.parametrize("host", LOCAL)
def test_names_of_this_machine_are_let_in(host):
    assert found(Doorkeeper(None), ("host", host), local_only=True) is ANYONE
    origin = ("origin", f"http://{host}")
    assert found(Doorkeeper(None), ("host", host), origin, local_only=True) is ANYONE


@pytest.mark.parametrize("host", FOREIGN)
def test_a_name_that_was_made_to_mean_this_machine_is_refused(host):
    refused = found(Doorkeeper(None), ("host", host), local_only=True)
    assert isinstance(refused, Forbidden)
    assert refused.expected == "`Host` of this machine, since no key is needed"
    assert "set REID_KEYS_FILE and send a key" in refused.remedy


@pytest.mark.parametrize("origin", ["null", *(f"https://{host}" for host in FOREIGN)])
def test_a_page_of_another_site_is_refused(origin):
    headers = [("host", "localhost"), ("origin", origin)]
    refused = found(Doorkeeper(None), *headers, local_only=True)
    assert isinstance(refused, Forbidden)
    assert refused.expected.startswith("`Origin` of this machine")


def test_with_keys_the_name_of_the_host_does_not_matter(file):
    api_key = add_key(file, "gate")
    headers = [("host", "reid.example"), ("origin", "https://desk.example"), ("x-api-key", api_key)]
    assert found(Doorkeeper(file), *headers).name == "gate"


def test_a_program_that_sends_neither_is_let_in():
    assert found(Doorkeeper(None), local_only=True) is ANYONE


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "example.org", "192.168.0.1", "127.0.0.1.x"])
def test_addresses_that_others_can_reach(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "Localhost."])
def test_addresses_that_only_this_machine_can_reach(host):
    assert is_loopback(host)
