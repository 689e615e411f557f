"""`make test` finds a redis-server, or installs one and says so, or says what to do."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.redis_server import INSTALL, RedisServer, ServerRefused

SCRIPT = Path(__file__).resolve().parents[2] / "requirements" / "debian-package.sh"


def installed_with(folder: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """Run the script where the path holds these programs, each a line of shell, and no other."""
    for name, line in {"id": "echo 1000", **programs}.items():
        (folder / name).write_text(f"#!/bin/bash\n{line}\n")
        (folder / name).chmod(0o755)
    return subprocess.run(
        ["/bin/bash", SCRIPT, "redis-server"],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_happens_where_there_is_one(tmp_path):
    done = installed_with(tmp_path, **{"redis-server": ""})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("user", "expected"), [("0", ["apt-get"] * 2), ("1000", ["sudo apt-get"] * 2)]
)
def test_a_missing_one_is_installed_and_it_says_so(tmp_path, user, expected):
    done = installed_with(
        tmp_path,
        id=f"echo {user}",
        sudo='echo "sudo $*"',
        **{"apt-get": 'echo "apt-get $*"'},
    )
    said, *commands = done.stdout.splitlines()
    assert done.returncode == 0
    assert said == f"redis-server is missing; installing Debian's package for the tests: {INSTALL}"
    assert [line.split(" --quiet")[0].split(" install")[0] for line in commands] == [
        f"{expected[0]} update",
        expected[1],
    ]
    assert commands[1].endswith(INSTALL)


@pytest.mark.parametrize(
    ("user", "programs", "missing"),
    [("1000", {"apt-get": ""}, "sudo"), ("0", {}, "apt-get"), ("1000", {"sudo": ""}, "apt-get")],
)
def test_where_it_cannot_be_installed_it_names_the_command(tmp_path, user, programs, missing):
    done = installed_with(tmp_path, id=f"echo {user}", **programs)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"expected redis-server on the path, received none and no {missing} to install it; "
        f"run `{INSTALL}` as root, or install it by other means"
    )


def test_a_test_that_finds_none_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssertionError, match=INSTALL):
        RedisServer(tmp_path).start()


def test_it_keeps_what_it_acknowledged_through_kill_9_and_ends_with_its_block(tmp_path):
    with RedisServer(tmp_path, password="p") as server:
        with server.client() as client:
            client.set("a", 1)
            assert client.config_get("appendfsync") == {"appendfsync": "always"}
        server.restart()
        with server.client() as client:
            assert client.get("a") == b"1"
        process = server.process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_server_that_refuses_to_start_says_why(tmp_path):
    with pytest.raises(ServerRefused, match="Bad directive"):
        RedisServer(tmp_path, options={"no-such-option": "1"}).start()
