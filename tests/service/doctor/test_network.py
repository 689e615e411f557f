import socket
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from service.access.api_key import hash_of, new_api_key
from service.access.keys_file import KeyRecord, change_keys
from service.access.principal import AccessScope
from service.doctor.network import check_admin_port, check_keys, check_port, check_traces
from tests.trace_collector import trace_collector


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_free_port_is_ok_and_one_that_others_use_is_a_failure(settings, taken):
    assert check_port(settings()).found == "any free one"
    finding = check_admin_port(settings(admin_port=taken))
    assert finding.state == "fail"
    assert finding.found.startswith(f"127.0.0.1 {taken}: ")
    assert finding.remedy == "stop what uses it, or choose another with --admin-port"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    assert check_port(settings(port=free)).found == f"127.0.0.1 {free} is free"


def test_a_running_service_is_no_failure(settings, running):
    for check, name, url in (
        (check_port, "port", running.url),
        (check_admin_port, "admin_port", running.admin_url),
    ):
        port = urlsplit(url).port
        finding = check(settings(**{name: port}))
        assert (finding.state, finding.found) == (
            "ok",
            f"127.0.0.1 {port}: a running service answers",
        )


def record(name, scope, expires=None):
    created = datetime.now(UTC)
    return KeyRecord(
        name=name,
        sha256=hash_of(new_api_key()),
        scopes=frozenset(scope),
        created=created,
        expires=expires,
    )


def test_keys_are_counted_by_what_they_are_good_for(settings, tmp_path):
    file = tmp_path / "keys.json"
    past = datetime.now(UTC) - timedelta(days=1)
    records = [
        record("a", [AccessScope.EMBED, AccessScope.SEARCH]),
        record("b", [AccessScope.SEARCH]),
        record("c", [AccessScope.ADMIN], past),
    ]
    change_keys(file, lambda _: records)
    finding = check_keys(settings(keys_file=file))
    assert (finding.state, finding.found) == ("ok", "2 keys, 1 expired; embed: 1, search: 2")
    change_keys(file, lambda _: records[2:])
    assert check_keys(settings(keys_file=file)).state == "fail"


def test_without_keys_this_machine_is_a_warning_and_others_are_a_failure(settings):
    assert check_keys(settings()).state == "warn"
    finding = check_keys(settings(host="0.0.0.0"))
    assert finding.state == "fail"
    assert "REID_KEYS_FILE" in finding.remedy
    anyone = check_keys(settings(host="0.0.0.0", allow_anyone=True))
    assert anyone.state == "warn"
    assert anyone.found == "no keys file: whoever reaches 0.0.0.0 may do everything"


def test_a_keys_file_that_cannot_be_used_is_a_failure(settings, tmp_path):
    finding = check_keys(settings(keys_file=tmp_path / "none"))
    assert finding.state == "fail"
    assert "correct REID_KEYS_FILE" in finding.remedy


def test_traces_are_off_or_go_to_somebody(settings, taken):
    assert check_traces(settings()).state == "ok"
    with trace_collector() as collector:
        assert check_traces(settings(traces_endpoint=collector.url)).state == "ok"
    finding = check_traces(settings(traces_endpoint="http://127.0.0.1:9/v1/traces"))
    assert finding.state == "warn"
    assert "correct REID_TRACES_ENDPOINT" in finding.remedy
