import pytest

from service.api.gallery_schemas import (
    BatchBody,
    BatchItem,
    DeleteChosenBody,
    MergeBody,
    ReassignBody,
    RenameBody,
    SplitBody,
)
from service.api.schemas import MetadataBody
from service.client import gallery_client
from service.client.client import ReidClient
from service.client.connection import ReidClientError
from tests.enrolled_lines import numbers


def one(name: str, seed: int = 1, **known) -> BatchItem:
    return BatchItem(tracklet_id=name, embedding=numbers(seed), metadata=MetadataBody(**known))


def test_every_call_gives_a_typed_answer(client: ReidClient, station):
    galleries = client.galleries
    assert station in [gallery.gallery for gallery in galleries.every()]
    assert galleries.point_alias("here", station).gallery == station
    assert [alias.alias for alias in galleries.aliases()] == ["here"]
    assert galleries.remove_alias("here").deleted
    batch = BatchBody(enroll=[one("a", identity="p"), one("b", 2, identity="p"), one("c", 3)])
    first = galleries.write_batch(station, batch, idempotency_key="once")
    assert galleries.write_batch(station, batch, idempotency_key="once").seq == first.seq
    assert galleries.rename(station, RenameBody(identity="p", to="q")).moved == 2
    assert galleries.split(station, SplitBody(identity="q", tracklet_ids=["b"], to="r")).moved == 1
    assert galleries.merge(station, MergeBody(identities=["q"], into="r")).moved == 1
    assert galleries.reassign(station, ReassignBody(tracklet_ids=["a"], identity=None)).moved == 1
    assert [(who.identity, who.tracklets) for who in galleries.identities(station)] == [("r", 1)]
    assert galleries.digest(station).tracklets == galleries.describe(station).tracklets == 3
    assert galleries.verify(station).agrees
    chosen = DeleteChosenBody(filter={"exists": {"field": "identity"}})
    assert galleries.delete_chosen(station, chosen).deleted == 1
    assert galleries.drop(station).deleted


def test_any_number_of_tracklets_is_enrolled_a_few_at_a_time(client, station, monkeypatch):
    monkeypatch.setattr(gallery_client, "LINES_AT_A_TIME", 7)
    answers = list(client.galleries.enroll_lines(station, (one(f"t{n:02}", n) for n in range(20))))
    assert [answer.tracklet_id for answer in answers] == [f"t{n:02}" for n in range(20)]
    assert all(answer.outcome == "created" for answer in answers)
    assert list(client.galleries.enroll_lines(station, [])) == []
    (refused,) = client.galleries.enroll_lines(station, [one("..")])
    assert refused.error is not None
    assert refused.error.code == "invalid_identifier"


def test_an_export_streams_and_is_imported(client: ReidClient, station):
    galleries = client.galleries
    galleries.write_batch(station, BatchBody(enroll=[one("a"), one("b", 2)]))
    header, *lines = galleries.export(station)
    galleries.write_batch(station, BatchBody(delete=["a", "b"]))
    answers, end = galleries.import_lines(station, header, lines)
    assert [answer.outcome for answer in answers] == ["created", "created"]
    assert end.complete


def test_a_refusal_in_the_middle_and_an_answer_cut_short_are_errors(client, station, monkeypatch):
    galleries = client.galleries
    with pytest.raises(ReidClientError, match="lines of at most") as caught:
        list(galleries.enroll_lines(station, [one("a"), one("b" * 2**22)]))
    assert caught.value.code == "body_too_large"
    short = iter([b'{"line":1,"tracklet_id":"a"}'])
    monkeypatch.setattr(client.galleries._connection, "lines", lambda _: short)
    with pytest.raises(ReidClientError, match="an answer for each line and one that sums up"):
        list(galleries.enroll_lines(station, [one("a")]))


def test_a_refusal_says_what_the_service_said(client: ReidClient):
    for call in (
        lambda: client.galleries.describe("nowhere"),
        lambda: client.galleries.drop("nowhere"),
        lambda: list(client.galleries.export("nowhere")),
        lambda: list(client.galleries.identities("nowhere")),
        lambda: client.galleries.verify("nowhere"),
    ):
        with pytest.raises(ReidClientError) as caught:
            call()
        assert (caught.value.status, caught.value.code) == (404, "gallery_not_found")


def test_identities_are_fetched_page_by_page(client: ReidClient, station):
    names = [f"p{number:03}" for number in range(230)]
    for some in (names[:115], names[115:]):
        batch = BatchBody(enroll=[one(name, identity=name) for name in some])
        client.galleries.write_batch(station, batch)
    assert [who.identity for who in client.galleries.identities(station)] == names
