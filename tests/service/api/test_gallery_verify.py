import pytest

from service.client.client import ReidClientError
from tests.people import frames_of


def test_a_running_service_compares_every_copy_of_a_gallery(client, http):
    files = [("frames", ("0.png", frame, "image/png")) for frame in frames_of("red")]
    assert http.put("/galleries/default/tracklets/a", files=files).status_code == 201
    report = http.post("/galleries/default/verify").json()
    assert report["agrees"] is True
    assert report["tracklets"] == 1
    assert report["damaged"] == []
    assert report["replica"]
    assert {check["name"] for check in report["checks"]} >= {"rows", "digest", "log", "snapshots"}
    assert all(check["agrees"] for check in report["checks"])
    again = client.verify_gallery()
    assert (again.agrees, again.seq, again.gallery) == (True, report["seq"], "default")


def test_of_a_gallery_that_is_not_there_nothing_is_compared(client):
    with pytest.raises(ReidClientError) as caught:
        client.verify_gallery("nobody")
    assert (caught.value.status, caught.value.code) == (404, "gallery_not_found")


def test_the_client_lists_and_describes_galleries(client):
    assert "default" in [one.gallery for one in client.galleries().galleries]
    described = client.describe_gallery()
    assert (described.phase, described.ready, described.quarantined) == ("serving", True, 0)
