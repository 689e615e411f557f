"""Commands send the key that a file or the environment holds."""

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from service.__main__ import cli
from service.client.client import ReidClient
from service.client.connection import ReidClientError
from tests.api_keys import add_key
from tests.live_service import live_service
from tests.people import frames_of


@pytest.fixture(scope="module")
def keyed(artifact_dir, tmp_path_factory):
    """A service with one key, which a file holds too."""
    directory = tmp_path_factory.mktemp("keyed")
    api_key = add_key(directory / "keys.json", "desk")
    (directory / "key").write_text(f"{api_key}\n")
    settings = {"REID_KEYS_FILE": str(directory / "keys.json")}
    with live_service(artifact_dir, directory / "data", settings=settings) as service:
        yield SimpleNamespace(service=service, api_key=api_key, directory=directory)


def run(keyed, *words, key_file=None, **env):
    known = {"TRACKLET_REID_KEY": "", "TRACKLET_REID_KEY_FILE": ""}
    first = [] if key_file is None else ["--api-key-file", str(key_file)]
    return CliRunner().invoke(cli, [*first, *words], env={**known, **env})


def listed(keyed, **given):
    return run(keyed, "gallery", "list", "--url", keyed.service.url, "--json", **given)


def test_each_way_to_give_a_key_opens_the_service(keyed):
    file = str(keyed.directory / "key")
    for given in (
        {"key_file": file},
        {"TRACKLET_REID_KEY_FILE": file},
        {"TRACKLET_REID_KEY": keyed.api_key},
        {"key_file": file, "TRACKLET_REID_KEY": "reid_wrong"},
    ):
        answer = listed(keyed, **given)
        assert answer.exit_code == 0, answer.output
        assert [one["gallery"] for one in json.loads(answer.stdout)["galleries"]] == ["default"]


def test_without_a_key_the_refusal_is_one_line(keyed):
    for given in ({}, {"TRACKLET_REID_KEY": "reid_wrong"}):
        refused = listed(keyed, **given)
        assert refused.exit_code == 1
        assert refused.stderr.startswith("reid: expected a valid API key, received ")
        assert refused.stderr.count("\n") == 1


def test_other_commands_send_it_too(keyed, tmp_path):
    (tmp_path / "a").mkdir()
    for number, frame in enumerate(frames_of("red")):
        (tmp_path / "a" / f"{number}.png").write_bytes(frame)
    given = {"TRACKLET_REID_KEY": keyed.api_key}
    url = ("--url", keyed.service.url)
    for words in (
        ("enroll", str(tmp_path), *url),
        ("search", str(tmp_path), *url),
        ("gallery", "verify", *url),
        ("gallery", "status", *url),
        ("gallery", "audit", "--admin-url", keyed.service.admin_url),
    ):
        answer = run(keyed, *words, **given)
        assert answer.exit_code == 0, f"{words}: {answer.output}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "received No such file or directory; correct --api-key-file"),
        (b"", "received an empty one"),
        (b"\xff", "received something else; correct --api-key-file"),
    ],
)
def test_a_file_without_a_key_is_said(keyed, tmp_path, content, said):
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    refused = listed(keyed, key_file=file)
    assert refused.exit_code == 1
    assert refused.stderr == f"reid: expected a file that holds an API key at {file}, {said}\n"


def test_the_client_sends_its_key_to_both_ports(keyed):
    url, admin_url = keyed.service.url, keyed.service.admin_url
    with ReidClient(url, admin_url=admin_url, api_key=keyed.api_key) as client:
        assert client.model().name
        list(client.forgetting.audit())
    with ReidClient(url) as client, pytest.raises(ReidClientError) as caught:
        client.model()
    assert (caught.value.status, caught.value.code) == (401, "unauthorized")


def test_the_audit_log_needs_the_address_of_the_second_port(keyed):
    with (
        ReidClient(keyed.service.url, api_key=keyed.api_key) as client,
        pytest.raises(ReidClientError, match="received none; give admin_url") as caught,
    ):
        list(client.forgetting.audit())
    assert caught.value.code == "no_admin_url"
