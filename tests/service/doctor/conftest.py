import pytest

from service.settings import Settings


@pytest.fixture
def settings(artifact_dir, tmp_path):
    """Settings of a service that starts, with changes."""

    def changed(**more):
        known = {"artifact_dir": artifact_dir, "data_dir": tmp_path, "inference_threads": 1}
        cpu = {"inference_provider": "cpu", "inference_lanes": 1}
        return Settings(**{**known, **cpu, "port": 0, "admin_port": 0, **more})

    return changed
