import httpx
import pytest

from benchmarks.running_service import running_service
from tests.artifact_factory import write_tiny_artifact


def test_it_is_ready_inside_and_gone_outside(tmp_path):
    write_tiny_artifact(tmp_path / "artifact")
    with running_service(tmp_path / "artifact", max_frames="3") as service:
        assert httpx.get(f"{service.url}/readyz").json()["tracklets"] == 0
        parts = [("frames", (f"{i}.jpg", b"x")) for i in range(4)]
        assert (
            httpx.post(f"{service.url}/embed", files=parts).json()["error"]["code"]
            == "too_many_frames"
        )
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{service.url}/readyz")


def test_a_service_that_cannot_start_says_why(tmp_path):
    with (
        pytest.raises(RuntimeError, match="expected an artifact manifest at"),
        running_service(tmp_path),
    ):
        pytest.fail("it started without an artifact")
