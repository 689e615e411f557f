"""A real redis-server started as docker-compose.yml says, with its paths mapped to a directory."""

import os
import signal
import subprocess
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.deploy.container_files import ROOT
from tests.redis_server import free_port

PASSWORD = "0123456789abcdef" * 4
START_TIMEOUT_S = 30.0


class ComposedRedis:
    """The service `redis` of a compose configuration, run on this machine.

    Entry point, arguments, environment and health check are those of the file, word for word, but
    for what a container maps: the volume, the secret, the start script, and the port.

    Args:
        config: As a compose client understands the file.
        directory: For data and secret.
    """

    def __init__(self, config: dict, directory: Path) -> None:
        self._said = config["services"]["redis"]
        self.directory = directory
        self.data = directory / "redis-data"
        self.data.mkdir()
        self.secret = directory / "redis_password"
        self.secret.write_text(PASSWORD)
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "ComposedRedis":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def environment(self) -> dict[str, str]:
        """Of the container, mapped, with the path of this machine."""
        return {"PATH": os.environ["PATH"]} | {
            name: self.here(value) for name, value in self._said["environment"].items()
        }

    def launch(self, *, program_dir: Path | None = None) -> subprocess.Popen:
        """Start it and wait for nothing; programs are first looked for in `program_dir`."""
        environment = self.environment
        if program_dir is not None:
            environment["PATH"] = f"{program_dir}:{environment['PATH']}"
        words = [*self._said["entrypoint"], *self._said["command"]]
        words[words.index("6379")] = str(self.port)
        with (self.directory / "redis.log").open("ab") as log:
            return subprocess.Popen(
                [self.here(word) for word in words],
                env=environment,
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def start(self) -> None:
        """Start it and wait until its health check passes."""
        self.process = self.launch()
        until = time.monotonic() + START_TIMEOUT_S
        while self.health_check() != 0:
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < until, self.log()
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9, and wait until it is gone; what does not run stays so."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """What `docker stop` does."""
        self._end(signal.SIGTERM)

    def health_check(self) -> int:
        """Exit status of the very health check, with redis-cli told the port."""
        how, line = self._said["healthcheck"]["test"]
        assert how == "CMD-SHELL"
        line = line.replace("$$", "$").replace("redis-cli", f"redis-cli -p {self.port}")
        return subprocess.run(
            ["sh", "-c", line], env=self.environment, capture_output=True, check=False
        ).returncode

    def client(self, password: str | None = PASSWORD) -> redis.Redis:
        """A client; close it after use."""
        return redis.Redis(port=self.port, password=password, retry=Retry(NoBackoff(), 0))

    def log(self) -> str:
        """What the server said."""
        return (self.directory / "redis.log").read_text()

    def here(self, text: str) -> str:
        """A path or address of the containers, as it is on this machine."""
        mapped = {
            "/run/secrets/redis_password": str(self.secret),
            "/opt/redis/start.sh": str(ROOT / "deploy/redis/start.sh"),
            "redis://redis:6379": f"redis://127.0.0.1:{self.port}",
        }
        for there, local in mapped.items():
            text = text.replace(there, local)
        return str(self.data) if text == "/data" else text

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None
