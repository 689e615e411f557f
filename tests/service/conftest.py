"""One real service for all tests of the API and of the client; every test starts empty."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.client.client import ReidClient
from tests.artifact_factory import write_tiny_artifact
from tests.live_service import LiveService, live_service


@pytest.fixture(scope="session")
def artifact_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("artifact")
    write_tiny_artifact(directory)
    return directory


@pytest.fixture(scope="session")
def running(artifact_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    limits = {"REID_MAX_FRAMES": "20", "REID_MAX_TOP_K": "50", "REID_MAX_PAGE": "50"}
    with live_service(artifact_dir, tmp_path_factory.mktemp("data"), settings=limits) as service:
        yield service


@pytest.fixture
def client(running: LiveService) -> Iterator[ReidClient]:
    """A client of the running service, whose gallery is empty."""
    with ReidClient(running.url, admin_url=running.admin_url) as client:
        yield client
        # Expired tracklets too, which no listing shows.
        everything = {"filter": {"and": []}}
        path = f"{running.url}/galleries/default/tracklets:delete"
        httpx.post(path, json=everything).raise_for_status()


@pytest.fixture
def station(client: ReidClient) -> Iterator[str]:
    """The name of a gallery of its own, empty."""
    name = f"station-{uuid.uuid4().hex[:8]}"
    client.galleries.create(name)
    yield name
    if name in [gallery.gallery for gallery in client.galleries.every()]:
        client.galleries.drop(name)


@pytest.fixture
def admin_http(running: LiveService, client: ReidClient) -> Iterator[httpx.Client]:
    """Plain HTTP to the second port of the running service, whose gallery is empty."""
    with httpx.Client(base_url=running.admin_url) as http:
        yield http


@pytest.fixture
def http(running: LiveService, client: ReidClient) -> Iterator[httpx.Client]:
    """Plain HTTP to the running service, whose gallery is empty."""
    with httpx.Client(base_url=running.url) as http:
        yield http
