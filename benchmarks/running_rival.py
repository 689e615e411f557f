"""Another server of the same artifact, in processes of its own on a free port."""

import os
import signal
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
_STOP_S = 10.0


@contextmanager
def running_rival(module: str, artifact: Path) -> Iterator[str]:
    """Run `python -m module --artifact ... --port ...`, wait for `/health`, give its URL, end it.

    Raises:
        RuntimeError: When it does not answer in a minute; its last words are in the text.
    """
    url = f"http://127.0.0.1:{(port := _free_port())}"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--artifact", str(artifact), "--port", str(port)],
            stdout=log,
            stderr=log,
            start_new_session=True,  # its workers end with it
        )
        try:
            if not _answers(url, process):
                log.seek(0)
                words = log.read().decode(errors="replace")[-2000:]
                raise RuntimeError(f"expected {module} to answer, received: {words}")
            yield url
        finally:
            _end_session(process)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    give_up_at = time.monotonic() + _START_S
    while time.monotonic() < give_up_at and process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/health").status_code == httpx.codes.OK:
                return True
        time.sleep(0.1)
    return False


def _end_session(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
