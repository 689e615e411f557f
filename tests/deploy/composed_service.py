"""The service as its image starts it, in the environment of docker-compose.yml, on this machine."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.api_keys import add_key, bearer
from tests.deploy.composed_redis import ComposedRedis
from tests.deploy.container_files import ROOT, exec_form, image_environment, last_of
from tests.live_service import ONE_PLAN
from tests.redis_server import free_port

START_TIMEOUT_S = 60.0


class ComposedService:
    """The service `service` of a compose configuration beside a running `ComposedRedis`.

    Entry point and command are those of the Dockerfile, the environment is that of both files;
    mapped are the volume, the secret, the keys, the artifact, the package, the name of the other
    container, the ports, and what runs the model.

    Args:
        config: As a compose client understands the file.
        beside: The Redis that it finds under its name.
    """

    def __init__(self, config: dict, beside: ComposedRedis) -> None:
        self._said = config["services"]["service"]
        self._beside = beside
        self.data = beside.directory / "service-data"
        self.data.mkdir()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._keys_file = beside.directory / "keys.json"
        self._headers = bearer(add_key(self._keys_file, "operator"))
        self.process: subprocess.Popen | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Of the container: what the image sets, and over it what the compose file sets."""
        told = {**image_environment("cpu"), **self._said["environment"]}
        mapped = {
            "PYTHONPATH": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "REID_PORT": str(self.port),
            "REID_ADMIN_PORT": "0",
            "REID_KEYS_FILE": str(self._keys_file),
            "REID_ARTIFACT_DIR": str(ROOT / "artifacts/dcct-light"),
            "REID_DATA_DIR": str(self.data),
            **ONE_PLAN,
        }
        assert told["REID_DATA_DIR"] == "/data"
        return {name: self._beside.here(value) for name, value in told.items()} | mapped

    def launch(self) -> subprocess.Popen:
        """Start it and wait for nothing."""
        words = exec_form(last_of("cpu", "ENTRYPOINT")) + exec_form(last_of("cpu", "CMD"))
        with self.log_file.open("ab") as log:
            return subprocess.Popen(words, env=self.environment, cwd=ROOT, stdout=log, stderr=log)

    def start(self) -> None:
        """Start it and wait until its health check, which asks `/readyz`, passes."""
        self.process = self.launch()
        until = time.monotonic() + START_TIMEOUT_S
        while self.health_check() != 0:
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < until, self.log()
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self._running().kill()
        self._running().wait(10)

    def stop(self) -> int:
        """What `docker stop` does; the exit status."""
        self._running().terminate()
        return self._running().wait(30)

    def health_check(self) -> int:
        """Exit status of the compose file's health check."""
        how, *words = self._said["healthcheck"]["test"]
        assert how == "CMD"
        return self.run(words)

    def image_health_check(self) -> int:
        """Exit status of the Dockerfile's health check."""
        return self.run(exec_form(last_of("cpu", "HEALTHCHECK")))

    def run(self, words: list[str]) -> int:
        """Exit status of a command run in the container."""
        return subprocess.run(
            words, env=self.environment, cwd=ROOT, capture_output=True, check=False
        ).returncode

    def call(self, method: str, path: str, **body: object) -> httpx.Response:
        """One request by an operator, with a JSON body where there is one."""
        return httpx.request(
            method, self.url + path, json=body or None, timeout=30, headers=self._headers
        )

    @property
    def log_file(self) -> Path:
        """Where its standard error goes."""
        return self._beside.directory / "service.log"

    def log(self) -> str:
        """What it said."""
        return self.log_file.read_text()

    def _running(self) -> subprocess.Popen:
        assert self.process is not None, "expected a started service; call start()"
        return self.process
