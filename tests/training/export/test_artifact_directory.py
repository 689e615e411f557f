import pytest

from model.manifest import MANIFEST_FILE
from training.export.artifact_directory import staged


def write(directory, content):
    with staged(directory) as staging:
        (staging / MANIFEST_FILE).write_text(content)


def test_what_fails_leaves_the_earlier_artifact_and_nothing_else(tmp_path):
    write(tmp_path / "artifact", "first")
    with pytest.raises(FileNotFoundError), staged(tmp_path / "artifact") as staging:
        (staging / "none").rename(staging / MANIFEST_FILE)
    assert (tmp_path / "artifact" / MANIFEST_FILE).read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


def test_what_a_killed_process_left_is_swept_away(tmp_path):
    (tmp_path / ".artifact.staging").mkdir()
    (tmp_path / ".artifact.staging" / "half").write_text("half")
    write(tmp_path / "artifact", "first")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["artifact", MANIFEST_FILE]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_one(tmp_path, there):
    if there:
        write(tmp_path / "2026", "first")
    (tmp_path / "current").symlink_to("2026")
    write(tmp_path / "current", "second")
    assert (tmp_path / "2026" / MANIFEST_FILE).read_text() == "second"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026", "current"]
    assert (tmp_path / "current").readlink() == type(tmp_path)("2026")


def test_the_directory_in_which_one_is_can_be_named(tmp_path, monkeypatch):
    write(tmp_path / "artifact", "first")
    monkeypatch.chdir(tmp_path / "artifact")
    write(type(tmp_path)(), "second")
    assert (tmp_path / "artifact" / MANIFEST_FILE).read_text() == "second"


@pytest.mark.parametrize("name", ["file/artifact", "a" * 250, "a" * 300])
def test_a_place_where_none_can_be_made_is_refused(tmp_path, name):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(
        ValueError, match="expected a place where a directory can be made at .*, received: .*; name"
    ):
        write(tmp_path / name, "first")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
