import json

import pytest

from service.api.gallery_schemas import BatchBody, BatchItem
from tests.enrolled_lines import numbers


@pytest.fixture
def filled(client, station):
    """A gallery of five tracklets."""
    enroll = [BatchItem(tracklet_id=f"t{n}", embedding=numbers(n)) for n in range(5)]
    client.galleries.write_batch(station, BatchBody(enroll=enroll))
    return station


def test_galleries_are_created_listed_described_and_deleted(run):
    created = run("create", "depot", "--retention-s", "60", "--json")
    assert created.exit_code == 0, created.output
    assert json.loads(created.stdout)["retention_s"] == 60
    assert run("create", "depot", "--retention-s", "60").exit_code == 0
    listed = json.loads(run("list", "--json").stdout)["galleries"]
    assert [gallery["gallery"] for gallery in listed] == ["default", "depot"]
    assert "depot" in run("list").stdout
    assert "tracklets: 0" in run("describe", "depot").stdout
    assert run("delete", "depot", ask="n\n").exit_code == 1
    asked = run("delete", "depot", ask="y\n")
    assert "Delete gallery 'depot' with 0 tracklets?" in asked.output
    assert asked.exit_code == 0
    gone = run("describe", "depot")
    assert gone.exit_code == 1
    assert "reid: expected the name or alias of a gallery, received 'depot'" in gone.stderr


def test_aliases_are_pointed_listed_and_removed(run, station):
    assert run("alias", "here", station).exit_code == 0
    assert json.loads(run("alias", "--json").stdout)["aliases"][0]["gallery"] == station
    assert "here" in run("alias").stdout
    assert run("alias", "here", "--remove").exit_code == 0
    assert json.loads(run("alias", "--json").stdout) == {"aliases": []}
    for words in (("here",), ("here", station, "--remove"), ("--remove",)):
        wrong = run("alias", *words)
        assert wrong.exit_code == 1
        assert "expected ALIAS GALLERY, ALIAS --remove, or nothing at all" in wrong.stderr


def test_a_gallery_is_moved_as_a_file(run, client, filled, tmp_path):
    file = tmp_path / "held.ndjson"
    exported = run("export", filled, str(file), "--json")
    assert json.loads(exported.stdout) == {"end": True, "tracklets": 5}
    assert [path.name for path in tmp_path.iterdir()] == ["held.ndjson"]
    client.galleries.create("copy")
    for _ in range(2):
        done = run("import", "copy", str(file), "--json")
        assert json.loads(done.stdout) == {"enrolled": 5, "failed": 0}
    assert client.galleries.describe("copy").tracklets == 5
    assert "enrolled 5 of 5 tracklets in gallery 'copy'" in run("import", "copy", str(file)).stdout
    client.galleries.drop("copy")


def test_a_file_that_is_not_whole_is_said_to_be_so(run, filled, tmp_path):
    file = tmp_path / "held.ndjson"
    run("export", filled, str(file))
    lines = file.read_bytes().splitlines(keepends=True)
    for content in (lines[:-1], lines[:2] + lines[-1:], lines[:3]):
        file.write_bytes(b"".join(content))
        short = run("import", filled, str(file))
        assert short.exit_code == 1
        assert "the file is cut short: export again" in short.stderr
    file.write_bytes(lines[1])
    assert "expected the first line of an export" in run("import", filled, str(file)).stderr
    missing = run("import", filled, str(tmp_path / "none"))
    assert "No such file" in missing.stderr
    unwritable = run("export", filled, str(tmp_path / "no" / "file"))
    assert (unwritable.exit_code, "choose another file" in unwritable.stderr) == (1, True)


def test_a_line_that_is_wrong_is_named_and_fails_the_import(run, filled, tmp_path):
    file = tmp_path / "held.ndjson"
    run("export", filled, str(file))
    lines = file.read_bytes().splitlines(keepends=True)
    wrong = json.loads(lines[2])
    wrong["embedding"] = "###"
    lines[2] = json.dumps(wrong).encode() + b"\n"
    file.write_bytes(b"".join(lines))
    done = run("import", filled, str(file), "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {"enrolled": 4, "failed": 1}
    assert "line 3: invalid_embedding: expected `embedding` to be base64" in done.stderr


@pytest.mark.parametrize("seconds", ["-5", "0", "nan", "1e300"])
def test_what_no_gallery_can_be_is_one_line(run, seconds):
    wrong = run("create", "depot", "--retention-s", seconds)
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (1, 1)
    assert "reid: expected `retention_s` to be" in wrong.stderr
