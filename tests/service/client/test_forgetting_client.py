import time

import pytest

from service.api.gallery_schemas import BatchBody, BatchItem
from service.api.schemas import MetadataBody
from service.client import forgetting_client
from service.client.client import ReidClient
from service.client.connection import ReidClientError
from tests.enrolled_lines import numbers


@pytest.fixture
def filled(client: ReidClient, station):
    """A gallery of three tracklets, each of another person."""
    enroll = [
        BatchItem(
            tracklet_id=f"t{n}", embedding=numbers(n), metadata=MetadataBody(identity=f"p{n}")
        )
        for n in range(3)
    ]
    client.galleries.write_batch(station, BatchBody(enroll=enroll))
    return station


def test_an_erasure_is_begun_waited_for_listed_and_read(client: ReidClient, filled):
    forgetting = client.forgetting
    whole = forgetting.erase_identity(filled, "p0", purpose="asked to", wait=True)
    assert (whole.state, whole.identity, whole.tracklets) == ("final", "p0", 1)
    one = forgetting.erase_tracklet(filled, "t1")
    assert (one.tracklet_id, one.identity) == ("t1", None)
    until = time.monotonic() + 30
    while forgetting.erasure(filled, one.receipt_id).state != "final":  # begun, not waited for
        assert time.monotonic() < until
        time.sleep(0.05)
    assert [receipt.receipt_id for receipt in forgetting.erasures(filled)] == [
        whole.receipt_id,
        one.receipt_id,
    ]
    assert forgetting.erasure(filled, whole.receipt_id).places == whole.places
    assert [tracklet.tracklet_id for tracklet in client.pages(gallery=filled)] == ["t2"]
    entries = list(forgetting.audit(purpose="to see who asked"))
    told = [(one.action, one.subject, one.purpose) for one in entries if one.gallery == filled]
    assert told == [("erase", "p0", "asked to"), ("erase", "t1", None)]


def test_the_audit_log_is_read_page_by_page_to_its_end(client: ReidClient, filled, monkeypatch):
    for _ in range(3):
        list(client.galleries.export(filled))
    before = list(client.forgetting.audit())
    monkeypatch.setattr(forgetting_client, "AUDIT_PAGE", 2)
    after = list(client.forgetting.audit())
    assert after[: len(before)] == before
    assert len([one for one in after if one.gallery == filled]) == 3


def test_a_refusal_says_what_the_service_said(client: ReidClient, filled):
    for call, code in (
        (lambda: client.forgetting.erasures("nowhere"), "gallery_not_found"),
        (lambda: client.forgetting.erasure(filled, "none"), "receipt_not_found"),
        (lambda: client.forgetting.erase_identity(filled, "a/b"), "invalid_identifier"),
    ):
        with pytest.raises(ReidClientError) as caught:
            call()
        assert caught.value.code == code
