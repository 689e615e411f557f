"""The pair of the compose file for real: enrolled in Redis, killed, started again, still there."""

import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.deploy.composed_redis import ComposedRedis
from tests.deploy.composed_service import ComposedService
from tests.deploy.container_files import compose_config

DIMENSION = 1472
GALLERY = "/galleries/default/tracklets"


@pytest.fixture
def pair(tmp_path):
    config = compose_config()
    with ComposedRedis(config, tmp_path) as store:
        service = ComposedService(config, store)
        service.start()
        yield service, store
        if service.process.poll() is None:
            service.kill()


def embedding(seed):
    return np.random.default_rng(seed).standard_normal(DIMENSION).tolist()


def enroll(service, name, seed):
    answer = service.call(
        "PUT", f"{GALLERY}/{name}", embedding=embedding(seed), metadata={"identity": name}
    )
    assert answer.status_code in {200, 201}, answer.text


def found(service, seed):
    answer = service.call("POST", "/search", embedding=embedding(seed), top_k=1)
    assert answer.status_code == 200, answer.text
    return [match["tracklet_id"] for match in answer.json()["matches"]]


def test_what_was_enrolled_outlives_kill_9_of_both_and_the_loss_of_the_snapshots(pair):
    service, store = pair
    for seed, name in enumerate(["ann", "ben", "cyd"]):
        enroll(service, name, seed)
    with store.client() as client:
        assert list(client.scan_iter("reid:*")), "expected the galleries in Redis"

    service.kill()
    assert service.health_check() == 1
    assert service.image_health_check() == 1
    store.kill()
    shutil.rmtree(service.data)
    service.data.mkdir()
    store.start()
    service.start()

    assert service.call("GET", "/readyz").json()["tracklets"] == 3
    assert [found(service, seed) for seed in range(3)] == [["ann"], ["ben"], ["cyd"]]


def test_an_older_copy_of_the_volume_is_what_counts_after_it_was_put_back(pair, tmp_path):
    service, store = pair
    backup = tmp_path / "backup"

    def stop_both():
        service.stop()
        store.stop()

    def start_both():
        store.start()
        service.start()

    enroll(service, "ann", 0)
    stop_both()
    shutil.copytree(store.data, backup)
    start_both()
    enroll(service, "ben", 1)
    stop_both()
    shutil.rmtree(store.data)
    shutil.copytree(backup, store.data)
    start_both()

    assert found(service, 1) == ["ann"]
    assert '"event":"snapshot_ignored"' in service.log()
    enroll(service, "cyd", 2)
    assert service.call("GET", "/readyz").json()["tracklets"] == 2


def test_over_an_empty_volume_it_does_not_start_until_the_snapshot_is_written_back(pair):
    service, store = pair
    enroll(service, "ann", 0)
    service.stop()
    store.stop()
    shutil.rmtree(store.data)
    store.data.mkdir()
    store.start()

    assert service.launch().wait(60) == 1
    assert "a store with every gallery that has snapshots in" in service.log()
    assert service.run(["reid", "gallery", "reseed", "default"]) == 0
    service.start()
    assert found(service, 0) == ["ann"]


def test_docker_stop_reaches_the_service_which_ends_in_order(pair):
    service, _ = pair
    enroll(service, "ann", 0)
    assert service.image_health_check() == 0
    assert service.stop() in {0, -signal.SIGTERM}
    assert '"event":"stopped"' in service.log()


def test_the_password_is_in_no_argument_no_environment_and_no_log(pair):
    service, store = pair
    process = Path(f"/proc/{service.process.pid}")
    seen = [(process / name).read_bytes() for name in ("cmdline", "environ")]
    assert b"serve" in seen[0]
    for text in [*seen, service.log().encode(), store.log().encode()]:
        assert store.secret.read_bytes() not in text
