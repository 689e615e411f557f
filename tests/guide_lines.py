"""The lines of a guide that are to be typed, run as a reader would."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.live_service import LiveService, live_service

ROOT = Path(__file__).resolve().parents[1]


def lines_to_type(guide: str) -> list[str]:
    """Every line of the `sh` blocks of a guide, in their order."""
    blocks = re.findall(r"```sh\n(.*?)```", guide, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def printed_in_order(guide: str, here: Path) -> list[tuple[str, str]]:
    """Each line of the guide and what it printed, against one service with the shipped model."""
    (here / "samples").symlink_to(ROOT / "samples")
    with live_service(ROOT / "artifacts/dcct-light", here / "data") as service:
        return [(line, printed_by(line, here, service)) for line in lines_to_type(guide)]


def printed_by(line: str, here: Path, service: LiveService) -> str:
    """What the line prints, run in `here` against the service; it must not fail."""
    line = line.replace("http://127.0.0.1:8000", service.url)
    line = line.replace("http://127.0.0.1:8001", service.admin_url)
    line = re.sub("^curl", "curl --fail-with-body --silent --show-error", line)
    line = re.sub("^reid", f"{sys.executable} -m service", line)
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    return done.stdout
