"""A real service in a process of its own, on a free port, with a store that is thrown away."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

_START_S = 60.0
_STOP_S = 20.0


@contextmanager
def running_service(artifact: Path, **settings: str) -> Iterator[str]:
    """Start `reid serve`, wait until it is ready, give its URL, stop it.

    Args:
        artifact: The artifact directory to serve.
        settings: More settings by their names, `max_batch_frames="8"` say.

    Raises:
        RuntimeError: When the service is not ready in a minute; its last words are in the text.
    """
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryFile("w+") as log:
        environment = {f"REID_{name.upper()}": value for name, value in settings.items()}
        environment |= {"REID_ARTIFACT_DIR": str(artifact.resolve()), "REID_DATA_DIR": data}
        port = _free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve", "--port", str(port)],
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            if not _ready(url, process):
                log.seek(0)
                raise RuntimeError(
                    f"expected a ready service at {url} within {_START_S:.0f} s, received: "
                    f"{log.read()[-2000:]}"
                )
            yield url
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _ready(url: str, process: subprocess.Popen[bytes]) -> bool:
    give_up_at = time.monotonic() + _START_S
    while time.monotonic() < give_up_at and process.poll() is None:
        with suppress(httpx.TransportError):  # not listening yet
            if httpx.get(f"{url}/readyz", timeout=2).status_code == httpx.codes.OK:
                return True
        time.sleep(0.1)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
