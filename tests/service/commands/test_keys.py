import json

import pytest
from typer.testing import CliRunner

from service.__main__ import cli
from service.access.doorkeeper import Doorkeeper
from service.access.keys_file import read_keys
from service.access.principal import AccessScope
from service.access.refusals import Unauthorized


@pytest.fixture
def file(tmp_path):
    return tmp_path / "keys.json"


@pytest.fixture
def run(file):
    """Run `reid keys` on a file; the result."""

    def invoke(*words: str):
        return CliRunner().invoke(cli, ["keys", *words], env={"REID_KEYS_FILE": str(file)})

    return invoke


def test_a_new_key_is_printed_alone_and_opens_what_it_was_made_for(run, file):
    made = run(
        "new", "gate", "--scope", "embed", "--scope", "gallery:write", "--frames-per-s", "50"
    )
    assert made.exit_code == 0, made.output
    principal = Doorkeeper(file).principal_of(made.stdout.strip())
    assert (principal.name, principal.frames_per_s) == ("gate", 50)
    assert principal.scopes == {AccessScope.EMBED, AccessScope.GALLERY_WRITE}


def test_days_are_when_it_ends(run, file):
    run("new", "guest", "--scope", "search", "--days", "7")
    (record,) = read_keys(file)
    assert (record.expires - record.created).days == 7


def test_keys_are_listed_without_their_hashes(run, file):
    run("new", "b", "--scope", "search", "--scope", "embed", "--requests-per-s", "2")
    run("new", "a", "--scope", "admin", "--days", "1")
    listed = json.loads(run("list", "--json").stdout)["keys"]
    assert [each["name"] for each in listed] == ["a", "b"]
    assert listed[1]["scopes"] == ["embed", "search"]
    assert "sha256" not in listed[0]
    table = run("list").stdout
    assert "never" in table
    assert not [record for record in read_keys(file) if record.sha256[:8] in table]


def test_a_revoked_key_opens_nothing(run, file):
    api_key = run("new", "gate", "--scope", "embed").stdout.strip()
    run("new", "desk", "--scope", "embed")
    gone = run("revoke", "gate")
    assert (gone.exit_code, gone.stdout) == (0, "revoked gate\n")
    assert [record.name for record in read_keys(file)] == ["desk"]
    with pytest.raises(Unauthorized):
        Doorkeeper(file).principal_of(api_key)


def test_what_cannot_be_done_is_one_line_and_changes_nothing(run, file):
    run("new", "gate", "--scope", "embed")
    before = file.read_bytes()
    for words, said in (
        (
            ("new", "gate", "--scope", "embed"),
            "reid: expected a name that no key has, received 'gate'; choose another, or revoke "
            "that one with `reid keys revoke gate`\n",
        ),
        (
            ("new", "a b", "--scope", "embed"),
            "reid: expected a name of 1 to 64 letters, digits, dots, dashes and underscores that "
            "begins with a letter or digit, received 'a b'; choose another\n",
        ),
        (
            ("revoke", "nobody"),
            "reid: expected the name of a key, received 'nobody'; "
            "`reid keys list` shows those there are\n",
        ),
    ):
        failed = run(*words)
        assert (failed.exit_code, failed.stderr) == (1, said)
        assert failed.stdout == ""
    assert file.read_bytes() == before


def test_an_unknown_scope_is_refused_with_those_there_are(run, file):
    failed = run("new", "gate", "--scope", "root")
    assert failed.exit_code == 2
    assert "gallery:write" in failed.stderr
    assert not file.exists()


def test_without_a_file_it_says_how_to_name_one():
    failed = CliRunner().invoke(cli, ["keys", "list"], env={"REID_KEYS_FILE": ""})
    assert failed.stderr == (
        "reid: expected a keys file, received none; give --file, or set REID_KEYS_FILE\n"
    )


def test_a_broken_file_is_neither_listed_nor_changed(run, file):
    file.write_text("{")
    for words in (("list",), ("new", "gate", "--scope", "embed"), ("revoke", "gate")):
        failed = run(*words)
        assert failed.exit_code == 1
        assert failed.stderr.startswith("reid: expected keys as `reid keys new` writes them in ")
    assert file.read_text() == "{"


def test_a_file_can_be_named(run, tmp_path):
    other = tmp_path / "other.json"
    assert run("new", "gate", "--scope", "embed", "--file", str(other)).exit_code == 0
    assert [record.name for record in read_keys(other)] == ["gate"]
