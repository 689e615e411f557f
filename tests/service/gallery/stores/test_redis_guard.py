import pytest

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.redis_guard import require_durable
from tests.redis_galleries import opened_store
from tests.redis_server import RedisServer


def told(*, version="7.0.15", mode="standalone", role="master", **options):
    """A Redis of which only its answers are known: no other release can be had here."""
    held = {
        "appendonly": "yes",
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        "maxmemory-policy": "noeviction",
        **options,
    }

    def ask(*words):
        if words == (b"INFO", b"server"):
            return f"# Server\r\nredis_version:{version}\r\nredis_mode:{mode}\r\n".encode()
        if words == (b"INFO", b"replication"):
            return f"# Replication\r\nrole:{role}\r\n".encode()
        assert words[:2] == (b"CONFIG", b"GET")
        return [part for name in words[2:] for part in (name, held[name.decode()].encode())]

    return ask


@pytest.mark.parametrize("version", ["7.0.0", "7.2.4", "8.0.1", "10.0"])
def test_releases_from_7_0_on_are_taken(version):
    require_durable(told(version=version))


@pytest.mark.parametrize("version", ["6.2.14", "5.0", "0", "unstable"])
def test_an_older_release_is_refused(version):
    with pytest.raises(StoreUnavailable) as caught:
        require_durable(told(version=version))
    assert str(caught.value) == (
        f"expected Redis 7.0 or later, received version {version}; install a newer one"
    )


def test_one_of_a_cluster_is_refused():
    with pytest.raises(StoreUnavailable) as caught:
        require_durable(told(mode="cluster"))
    assert str(caught.value) == (
        "expected a single Redis, since one write spans several keys, received one in mode "
        "cluster; give the gallery a Redis of its own"
    )


def test_a_replica_is_refused():
    with pytest.raises(StoreUnavailable) as caught:
        require_durable(told(role="slave"))
    assert str(caught.value) == (
        "expected a Redis that takes writes, received one in the role slave; "
        "give the address of its master"
    )


LOSSES = [
    ("appendonly", "yes", "no", "nothing survives a restart"),
    ("appendfsync", "always", "everysec", "acknowledged writes are lost when the power fails"),
    ("appendfsync", "always", "no", "acknowledged writes are lost when the power fails"),
    ("no-appendfsync-on-rewrite", "no", "yes", "writes during a rewrite are not flushed"),
    (
        "maxmemory-policy",
        "noeviction",
        "allkeys-lru",
        "Redis deletes tracklets when its memory is full",
    ),
]


@pytest.mark.parametrize(("option", "wanted", "value", "loss"), LOSSES)
def test_a_real_one_that_would_lose_writes_is_refused(tmp_path, option, wanted, value, loss):
    with RedisServer(tmp_path, options={option: value}) as server:
        with pytest.raises(StoreUnavailable) as caught, opened_store(server):
            pass
        with server.client() as client:
            assert client.dbsize() == 0
    assert str(caught.value) == (
        f"expected Redis with `{option} {wanted}`, received `{option} {value}`, with which {loss}; "
        f"set `{option} {wanted}` in redis.conf and by CONFIG SET"
    )


def test_a_real_replica_is_refused(tmp_path):
    with RedisServer(tmp_path / "one") as master:
        following = {"replicaof": f"127.0.0.1 {master.port}"}
        with (
            RedisServer(tmp_path / "two", options=following) as follower,
            pytest.raises(StoreUnavailable, match="received one in the role slave"),
            opened_store(follower),
        ):
            pass
