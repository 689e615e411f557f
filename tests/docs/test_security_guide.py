"""The guide to security names every scope, only settings that exist, and commands that work."""

import re
import subprocess
import sys
from pathlib import Path

from service.access.principal import AccessScope
from service.access.quotas import WINDOW_S
from service.settings import Settings
from tests.error_tree import every_error

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_its_commands_work_in_their_order(tmp_path):
    (block,) = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    script = f'reid() {{ "{sys.executable}" -m service "$@"; }}\n{block}'
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("reid_") == 2
    assert done.stdout.endswith("revoked gate\n")


def test_the_table_of_scopes_is_complete():
    rows = re.findall(r"^\| `([a-z:]+)` \|", GUIDE, re.MULTILINE)
    assert set(rows) == set(AccessScope)


def test_settings_and_error_codes_that_it_names_exist():
    for name in re.findall(r"\bREID_([A-Z_]+)", GUIDE.replace("TRACKLET_REID_", "")):
        assert name.lower() in Settings.model_fields, name
    codes = {kind.code for kind in every_error()}
    for code in re.findall(r"\b4\d\d `(\w+)`", GUIDE):
        assert code in codes


def test_the_window_is_as_long_as_it_says():
    assert f"windows of {WINDOW_S} s" in GUIDE
