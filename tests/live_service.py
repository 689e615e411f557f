"""A real service process on a real socket, with the tiny artifact, for tests that need one."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60.0
ONE_PLAN = {
    "REID_INFERENCE_PROVIDER": "cpu",
    "REID_INFERENCE_LANES": "1",
    "REID_INFERENCE_THREADS": "1",
    "REID_MAX_BATCH_FRAMES": "8",
}
"""Nothing is measured at the start, so that every start is the same."""


@dataclass
class LiveService:
    """A running process, its two addresses, and every line it has logged."""

    process: subprocess.Popen[str]
    url: str = ""
    admin_url: str = ""
    lines: list[dict[str, object]] = field(default_factory=list)
    listening: threading.Event = field(default_factory=threading.Event)

    def request_line(self, request_id: str) -> dict[str, object]:
        """The line about one request, which comes a moment after its answer."""
        for _ in range(500):
            for line in self.events("request"):
                if line["request_id"] == request_id:
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no line about request {request_id}")

    def events(self, name: str) -> list[dict[str, object]]:
        """Logged lines of one event."""
        return [line for line in self.lines if line["event"] == name]

    def await_listening(self) -> None:
        """Wait until it says where it listens, or ends."""
        if not self.listening.wait(START_TIMEOUT_S):  # no assert: it waits, also under -O
            raise AssertionError("the service logged nothing")

    def await_ready(self) -> None:
        """Wait for `/readyz` to answer 200."""
        until = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < until and self.process.poll() is None:
            if httpx.get(f"{self.url}/readyz").status_code == 200:
                return
            time.sleep(0.05)
        raise AssertionError(f"the service did not become ready: {self.lines}")

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.process.kill()
        self.process.wait(10)

    def resident_bytes(self) -> int:
        """Memory of the process now."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def read_log(self) -> None:
        """Collect lines until the process closes its end; run in a thread."""
        assert self.process.stderr is not None
        for text in self.process.stderr:
            line = json.loads(text) if text.startswith("{") else {"event": text.strip()}
            self.lines.append(line)
            if line["event"] == "listening":
                self.url = str(line["url"])
                self.admin_url = str(line["admin_url"])
                self.listening.set()
        self.listening.set()


@contextmanager
def live_service(
    artifact_dir: Path,
    data_dir: Path,
    *,
    settings: Mapping[str, str] | None = None,
    wait_ready: bool = True,
    program: str = "service",
) -> Iterator[LiveService]:
    """`python -m service serve` on a free port; stopped by SIGTERM at the end, if still alive.

    Args:
        artifact_dir: What to serve.
        data_dir: Where the store is.
        settings: More `REID_*` variables.
        wait_ready: Whether to wait for `/readyz` to answer 200.
        program: The module to run; one for faults has the same command line.
    """
    command = [sys.executable, "-m", program, "serve", "--port", "0", "--admin-port", "0"]
    command += ["--artifact-dir", str(artifact_dir), "--data-dir", str(data_dir)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **ONE_PLAN, "REID_DRAIN_S": "0", **(settings or {})},
        stderr=subprocess.PIPE,
        text=True,
    )
    service = LiveService(process)
    reader = threading.Thread(target=service.read_log, daemon=True)
    reader.start()
    try:
        service.await_listening()
        if wait_ready:
            service.await_ready()
        yield service
    finally:
        process.terminate()  # nothing, when it has ended already
        process.wait(20)
        reader.join(10)
        assert process.stderr is not None
        process.stderr.close()
