import httpx


def test_a_body_of_another_type_is_refused_with_what_each_path_takes(http: httpx.Client):
    headers = {"Content-Type": "text/plain"}
    for method, path, accepted in (
        ("POST", "/embed", "multipart/form-data"),
        ("POST", "/search", "multipart/form-data or application/json"),
        ("PUT", "/galleries/default/tracklets/a", "multipart/form-data or application/json"),
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
