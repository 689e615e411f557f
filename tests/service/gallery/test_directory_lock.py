import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from service.gallery.directory_lock import LOCK_FILE, DirectoryLock
from service.gallery.gallery_errors import StoreUnavailable

HOLD = """
import sys
from pathlib import Path
from service.gallery.directory_lock import DirectoryLock
lock = DirectoryLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_one_holder_at_a_time(tmp_path):
    first = DirectoryLock(tmp_path)
    with pytest.raises(StoreUnavailable) as caught:
        DirectoryLock(tmp_path)
    assert caught.value.expected == f"a data directory at {tmp_path} that no other service uses"
    assert caught.value.received == "one that another process has locked"
    assert "REID_DATA_DIR" in caught.value.remedy
    first.release()
    DirectoryLock(tmp_path).release()


def test_another_process_is_kept_out_until_it_is_killed(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreUnavailable, match="another process has locked"):
            DirectoryLock(tmp_path)
        holder.kill()
        holder.wait(10)
        DirectoryLock(tmp_path).release()


def test_the_directory_is_made_for_its_owner_alone(tmp_path):
    directory = tmp_path / "new" / "data"
    DirectoryLock(directory).release()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / LOCK_FILE).stat().st_mode) == 0o600


def test_a_directory_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable) as caught:
        DirectoryLock(tmp_path / "file" / "data")
    assert caught.value.expected.endswith("that can be written")
    assert caught.value.received == os.strerror(20)
    assert "REID_DATA_DIR" in caught.value.remedy


def test_a_refused_lock_leaves_no_open_file(tmp_path):
    held = DirectoryLock(tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(StoreUnavailable):
        DirectoryLock(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    held.release()
