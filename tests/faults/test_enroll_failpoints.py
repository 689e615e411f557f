"""kill -9 at each step of a write: it is there whole or not at all, and its key tells which."""

import httpx
import pytest

from service.gallery.failpoints import VARIABLE
from tests.gallery_rows import embedding_of
from tests.live_service import live_service
from tests.redis_server import RedisServer

KEPT = {"enroll.before_store": False, "enroll.stored": True, "enroll.visible": True}
ENROLL_B = {"Idempotency-Key": "the-second"}


@pytest.fixture(params=["sqlite", "redis"])
def settings(request, tmp_path):
    """Settings of a service on either store."""
    if request.param == "sqlite":
        yield {"REID_STORE": "sqlite"}
        return
    with RedisServer(tmp_path / "redis") as server:
        yield {"REID_STORE": "redis", "REID_REDIS_URL": server.url}


def put(http, name, headers=None):
    body = {"embedding": embedding_of(len(name), 20).tolist()}
    return http.put(f"/galleries/default/tracklets/{name}", json=body, headers=headers)


@pytest.mark.parametrize("failpoint", sorted(KEPT))
def test_after_kill_9_the_write_is_whole_or_absent_and_repeating_it_is_safe(
    artifact, tmp_path, settings, failpoint
):
    deadly = {**settings, VARIABLE: f"{failpoint}:kill@2"}
    with live_service(artifact, tmp_path / "data", settings=deadly) as service:
        with httpx.Client(base_url=service.url) as http:
            assert put(http, "first").status_code == 201
            with pytest.raises(httpx.TransportError):
                put(http, "second", ENROLL_B)
        assert service.process.wait(10) == -9

    with (
        live_service(artifact, tmp_path / "data", settings=settings) as service,
        httpx.Client(base_url=service.url) as http,
    ):
        assert http.get("/readyz").json()["tracklets"] == 1 + KEPT[failpoint]
        repeated = put(http, "second", ENROLL_B)
        assert repeated.status_code == 201
        assert repeated.json()["repeated"] is KEPT[failpoint]
        assert repeated.json()["seq"] == 2
        assert http.get("/readyz").json()["tracklets"] == 2
