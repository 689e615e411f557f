import json

import pytest

from service.api.gallery_schemas import BatchBody, BatchItem
from service.api.schemas import MetadataBody
from tests.enrolled_lines import numbers


@pytest.fixture
def filled(client, station):
    """A gallery of one person and one tracklet of nobody known."""
    enroll = [
        BatchItem(tracklet_id="a", embedding=numbers(1), metadata=MetadataBody(identity="[p]")),
        BatchItem(tracklet_id="b", embedding=numbers(2)),
    ]
    client.galleries.write_batch(station, BatchBody(enroll=enroll))
    return station


def test_a_person_is_erased_after_a_question_and_the_receipt_is_printed(run, client, filled):
    refused = run("erase", filled, "--identity", "[p]", ask="n\n")
    assert refused.exit_code == 1
    assert "Erase identity '[p]' of gallery" in refused.output
    assert client.get("a", gallery=filled).identity == "[p]"
    done = run("erase", filled, "--identity", "[p]", "--wait", "--purpose", "asked to", ask="y\n")
    assert done.exit_code == 0, done.output
    assert "state: final" in done.stdout
    assert "rows of the store" in done.stdout
    listed = run("erasures", filled)
    assert "[p]" in listed.stdout
    (receipt,) = json.loads(run("erasures", filled, "--json").stdout)["erasures"]
    one = json.loads(run("erasures", filled, receipt["receipt_id"], "--json").stdout)
    assert one == receipt
    entries = json.loads(run("audit", "--purpose", "a look", "--json").stdout)["entries"]
    assert [
        (each["subject"], each["purpose"]) for each in entries if each["gallery"] == filled
    ] == [("[p]", "asked to")]
    assert "erase" in run("audit").stdout


def test_one_tracklet_is_erased_without_a_question_when_told_so(run, client, filled):
    receipt = json.loads(
        run("erase", filled, "--tracklet", "b", "--yes", "--wait", "--json").stdout
    )
    assert (receipt["tracklet_id"], receipt["tracklets"]) == ("b", 1)
    assert {place["place"] for place in receipt["places"]} >= {"rows of the store"}
    assert [each.tracklet_id for each in client.pages(gallery=filled)] == ["a"]


def test_what_cannot_be_erased_is_one_line(run, filled):
    for words in ((), ("--identity", "[p]", "--tracklet", "a")):
        wrong = run("erase", filled, *words, "--yes")
        assert wrong.exit_code == 1
        assert wrong.stderr == (
            "reid: expected either --identity or --tracklet, received both or neither; see --help\n"
        )
    unknown = run("erasures", filled, "none")
    assert (unknown.exit_code, unknown.stderr.count("\n")) == (1, 1)
    assert "expected the id of a receipt of this gallery, received 'none'" in unknown.stderr
