"""A real service in a process of its own, on a free port, with a store that is thrown away."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

_START_S = 180.0
"""The first start in a data directory measures what runs the model best."""
_STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service that answers.

    Attributes:
        url: Where it listens.
        admin_url: Of its second port, with its metrics.
        process_id: For those who look at its memory.
    """

    url: str
    admin_url: str
    process_id: int


@contextmanager
def running_service(artifact: Path, **settings: str) -> Iterator[RunningService]:
    """Start `reid serve`, wait until it is ready, stop it.

    Args:
        artifact: The artifact directory to serve.
        settings: More settings by their names, `max_batch_frames="8"` say.

    Raises:
        RuntimeError: When it is not ready in three minutes; its last words are in the text.
    """
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log"
        chosen = {"data_dir": str(Path(directory) / "data"), "drain_s": "0", **settings}
        environment = {f"REID_{name.upper()}": value for name, value in chosen.items()}
        environment["REID_ARTIFACT_DIR"] = str(artifact.resolve())
        with log.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "service", "serve", "--port", "0", "--admin-port", "0"],
                env={**os.environ, **environment},
                stdout=stream,
                stderr=stream,
            )
        try:
            yield _ready(process, log)
        finally:
            _stop(process)


def _ready(process: subprocess.Popen[bytes], log: Path) -> RunningService:
    give_up_at = time.monotonic() + _START_S
    while time.monotonic() < give_up_at and process.poll() is None:
        said = _listening(log)
        if said is not None and _answers_ready(said["url"]):
            return RunningService(said["url"], said["admin_url"], process.pid)
        time.sleep(0.1)
    raise RuntimeError(
        f"expected a ready service within {_START_S:.0f} s, received: {log.read_text()[-2000:]}"
    )


def _answers_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:  # it stopped after saying that it listens
        return False


def _listening(log: Path) -> dict[str, str] | None:
    """The service's own line about its addresses, once it listens."""
    for line in log.read_text().splitlines():
        if '"event":"listening"' in line:
            found: dict[str, str] = json.loads(line)
            return found
    return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
