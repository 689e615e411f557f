import httpx

from tests.enrolled_lines import item


def test_a_body_of_another_type_is_refused_with_what_each_path_takes(http: httpx.Client):
    headers = {"Content-Type": "text/plain"}
    frames = "multipart/form-data or application/msgpack or application/octet-stream or video/*"
    for method, path, accepted in (
        ("POST", "/embed", frames),
        ("POST", "/search", f"{frames} or application/json"),
        ("PUT", "/galleries/default/tracklets/a", f"{frames} or application/json"),
    ):
        answer = http.request(method, path, content=b"{}", headers=headers)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (415, "unsupported_media_type")
        assert error["expected"] == f"Content-Type {accepted}"
        assert error["received"] == "text/plain"
        assert "curl -F frames=@000.jpg" in error["remedy"]
        assert ("header Content-Type: application/json" in error["remedy"]) == (path != "/embed")


def test_a_body_without_a_type_is_refused(http: httpx.Client):
    answer = http.post("/search", content=b"{}")
    assert answer.json()["error"]["received"] == "no Content-Type"


def test_a_type_may_have_parameters(http: httpx.Client):
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    answer = http.post("/search", content=b'{"tracklet_id": "unknown"}', headers=headers)
    assert answer.json()["error"]["code"] == "tracklet_not_found"


def test_a_json_body_has_its_own_limit(http: httpx.Client):
    headers = {"Content-Type": "application/json"}
    answer = http.post("/search", content=b" " * (2**20 + 1), headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (413, "body_too_large")
    assert error["expected"] == f"at most {2**20} bytes"
    assert error["received"] == "a larger JSON body"


def test_a_line_break_at_the_end_of_a_path_is_no_part_that_may_be_dropped(http: httpx.Client):
    http.post("/galleries/default/tracklets:batch", json={"enroll": [item("a")]})
    for method, path in (
        ("DELETE", "/galleries/default/tracklets/a%0A"),
        ("DELETE", "/galleries/default/tracklets/a%0A?erase=true"),
        ("DELETE", "/galleries/default%0A"),
        ("GET", "/galleries/default/tracklets/a%0A"),
    ):
        error = http.request(method, path).json()["error"]
        assert error["code"] == "invalid_identifier"
        assert error["message"] == (
            "expected a path whose last name is printable, received one that ends with a line "
            "break; leave it out"
        )
    assert http.get("/galleries/default/tracklets/a").status_code == 200
