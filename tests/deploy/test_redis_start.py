"""deploy/redis/start.sh with the arguments of the compose file: a real server, and its user."""

import signal
import time
from pathlib import Path

import pytest
import redis

from tests.deploy.composed_redis import PASSWORD, ComposedRedis
from tests.deploy.container_files import compose_config
from tests.redis_server import RedisServer


@pytest.fixture(scope="module")
def config():
    return compose_config()


@pytest.fixture(scope="module")
def running(config, tmp_path_factory):
    with ComposedRedis(config, tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def client(running):
    with running.client() as connected:
        yield connected


def test_it_runs_with_what_keeps_an_acknowledged_write(client):
    for name, value in {
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
        "no-appendfsync-on-rewrite": "no",
        "save": "",
        "maxmemory": str(2 * 2**30),
    }.items():
        assert client.config_get(name) == {name: value}


def test_nobody_enters_without_the_password(running):
    for wrong in (None, "", PASSWORD[:-1]):
        with running.client(wrong) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


def test_the_password_stands_in_no_argument_and_no_environment(running):
    process = Path(f"/proc/{running.process.pid}")
    seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    assert b"redis-server" in seen
    assert PASSWORD.encode() not in seen


def test_not_even_at_the_moment_of_its_start(config, tmp_path):
    """A server rewrites its list of arguments; another program in its place tells what it got."""
    server = ComposedRedis(config, tmp_path)
    told = tmp_path / "redis-server"
    told.write_text('#!/bin/sh\necho "arguments: $*"; env; echo "input:"; cat\n')
    told.chmod(0o755)
    started = server.launch(program_dir=tmp_path)
    assert started.wait(10) == 0
    seen, _, entered = server.log().partition("input:")
    assert "--appendfsync always" in seen
    assert PASSWORD not in seen
    assert f">{PASSWORD} ~reid:*" in entered


@pytest.mark.parametrize(
    "words",
    [
        ("FLUSHALL",),
        ("FLUSHDB",),
        ("CONFIG", "SET", "appendfsync", "no"),
        ("CONFIG", "REWRITE"),
        ("KEYS", "*"),
        ("SHUTDOWN",),
        ("REPLICAOF", "NO", "ONE"),
        ("ACL", "LIST"),
        ("SWAPDB", "0", "1"),
        ("MONITOR",),
        ("SET", "another:key", "1"),
        ("EVAL", "return redis.call('flushall')", "0"),
    ],
    ids=" ".join,
)
def test_its_user_can_destroy_nothing_and_change_no_setting(client, words):
    with pytest.raises(redis.ResponseError, match=r"(?i)no ?perm|no permissions|can't run"):
        client.execute_command(*words)


def test_its_user_can_do_what_a_gallery_needs(client):
    client.set("reid:a", 1)
    assert client.eval("return redis.call('get', KEYS[1])", 1, "reid:a") == b"1"
    assert client.xadd("reid:log", {"a": 1}, id="1-0") == b"1-0"
    assert client.info("persistence")["aof_enabled"] == 1
    assert client.role()[0] == b"master"
    assert client.bgrewriteaof()
    assert client.time()[0] > 0


def test_the_health_check_knows_a_server_that_is_gone(running, config, tmp_path):
    assert running.health_check() == 0
    other = ComposedRedis(config, tmp_path)
    assert other.health_check() == 1
    other.start()
    try:
        other.secret.write_text("wrong")
        assert other.health_check() == 1
    finally:
        other.kill()


def test_what_a_kill_left_half_written_is_removed_at_the_next_start(config, tmp_path):
    server = ComposedRedis(config, tmp_path)
    with RedisServer(server.data) as killed:
        with killed.client() as client:
            client.set("reid:a", 1)
            client.config_set("rdb-key-save-delay", 5_000_000)
            client.bgrewriteaof()
        until = time.monotonic() + 10
        while not list(server.data.glob("temp-*")) and time.monotonic() < until:
            time.sleep(0.01)
        killed.pause()
        killed.signal_children(signal.SIGKILL)
    assert list(server.data.glob("temp-*")), "Redis itself leaves it there"
    with server, server.client() as client:
        assert client.get("reid:a") == b"1"
        assert not list(server.data.glob("temp-*"))


@pytest.mark.parametrize("secret", [None, "", "two words", "line\nbreak", 'quote"', "r\u00e9id"])
def test_without_a_usable_password_it_does_not_start(config, tmp_path, secret):
    server = ComposedRedis(config, tmp_path)
    server.secret.unlink()
    if secret is not None:
        server.secret.write_text(secret)
    assert server.launch().wait(10) == 1
    found = "a readable file" if secret is None else "a password of letters, digits, - and _ in"
    assert f"expected {found}" in server.log()
    assert "make the secret as docs/gallery.md says" in server.log()


def test_a_final_line_break_in_the_file_is_not_part_of_the_password(config, tmp_path):
    server = ComposedRedis(config, tmp_path)
    server.secret.write_text(PASSWORD + "\n")
    with server, server.client() as client:
        assert client.ping()
