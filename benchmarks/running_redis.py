"""A real redis-server that loses nothing, on a free port, with data that are thrown away."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_START_S = 30.0
_DURABLE = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")


@contextmanager
def running_redis() -> Iterator[str]:
    """Start redis-server as compose does, give its URL, stop it.

    Raises:
        RuntimeError: When there is none to start, or it does not answer in half a minute.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise RuntimeError(
            "expected redis-server on the path, received none; apt-get install redis-server"
        )
    with tempfile.TemporaryDirectory() as directory, socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = int(chosen.getsockname()[1])
        chosen.close()
        place = ("--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "")
        process = subprocess.Popen([program, *place, *_DURABLE], stdout=subprocess.DEVNULL)
        try:
            _await_answer(process, port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()
            process.wait()


def _await_answer(process: subprocess.Popen[bytes], port: int) -> None:
    give_up_at = time.monotonic() + _START_S
    with redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
        while process.poll() is None and time.monotonic() < give_up_at:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.05)
            else:
                return
    raise RuntimeError(f"expected redis-server to answer on port {port}, received nothing")
