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
    again = client.galleries.verify("default")
    assert (again.agrees, again.seq, again.gallery) == (True, report["seq"], "default")


def test_of_a_gallery_that_is_not_there_nothing_is_compared(http):
    answer = http.post("/galleries/nobody/verify")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "gallery_not_found")
