"""A real redis-server in a directory of its own, on a private port, configured to lose nothing."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

INSTALL = "apt-get install --yes --no-install-recommends redis-server"
START_TIMEOUT_S = 60.0
DURABLE = {
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
    "save": "",
}


class ServerRefused(AssertionError):
    """The server ended, or did not answer in time; the text is the end of its log."""


class RedisServer:
    """A redis-server process; its data stay in `directory` between starts.

    Args:
        directory: Where it keeps everything; created when missing.
        password: What clients must send; None for none.
        options: Of redis.conf, over those that lose nothing.
    """

    def __init__(
        self,
        directory: Path,
        *,
        password: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.password = password
        self.options = {**DURABLE, **(options or {})}
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens; the password is not in it."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def append_only_directory(self) -> Path:
        """Where the files of its append-only log are."""
        return self.directory / "appendonlydir"

    def __enter__(self) -> "RedisServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it has loaded its data and answers."""
        program = shutil.which("redis-server")
        if program is None:
            raise AssertionError(
                f"expected redis-server on the path, received none; run `make test`, or `{INSTALL}`"
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        fixed = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(self.directory)}
        if self.password is not None:
            fixed["requirepass"] = self.password
        told = [program]
        for name, value in {**fixed, **self.options}.items():
            told += [f"--{name}", value]
        self._await_port()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(told, stdout=log, stderr=log)
        self._await_answer()

    def stop(self) -> None:
        """End it as an administrator would, and wait until it has ended."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9, and wait until it is gone; what does not run stays so."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """kill -9, and start again on the same port with the same data."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Let it answer nothing, with its connections open."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    def signal_children(self, how: signal.Signals) -> None:
        """Send a signal to the processes that write its files."""
        process = self._running().pid
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        for child in children:
            os.kill(int(child), how)

    def client(self) -> redis.Redis:
        """A plain client, to look at the server or to do it harm; close it after use."""
        return redis.Redis(
            port=self.port, password=self.password, socket_timeout=30, retry=Retry(NoBackoff(), 0)
        )

    @property
    def log(self) -> Path:
        """What it says of itself."""
        return self.directory / "redis.log"

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise AssertionError("expected a running redis-server, received none; call start()")
        return self.process

    def _await_port(self) -> None:
        """A child of a killed server holds its port until it has gone too."""
        until_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < until_s:
            with socket.socket() as chosen, suppress(OSError):
                chosen.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                chosen.bind(("127.0.0.1", self.port))
                return
            time.sleep(0.01)

    def _await_answer(self) -> None:
        process, until = self._running(), time.monotonic() + START_TIMEOUT_S
        while process.poll() is None and time.monotonic() < until:
            with self.client() as client:
                try:
                    client.ping()
                except redis.RedisError:
                    time.sleep(0.01)
                else:
                    return
        self.kill()
        raise ServerRefused(self.log.read_text(errors="replace")[-2000:])

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(30)
            self.process = None


def free_port() -> int:
    """A port below those that systems give to clients.

    One of theirs could be taken by a client while the server is down, even by one that tries to
    reach it: on one machine such a client is then connected to itself.
    """
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with socket.socket() as chosen:
            try:
                chosen.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
