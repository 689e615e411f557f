import json

import pytest

from service.api.answers import ErrorDetail
from service.api.error_shapes import error_body

DETAIL = ErrorDetail(
    code="not_found",
    message="expected a, received b; c",
    expected="a",
    received="b",
    remedy="c",
    request_id="r",
)


def body(path: str, status: int = 404) -> dict[str, object]:
    return json.loads(error_body(path, status, DETAIL))


@pytest.mark.parametrize("path", ["/embed", "/v1", "/v20/models", "/v3", "/"])
def test_the_services_own_paths_say_all_of_it(path):
    assert body(path) == {"error": DETAIL.model_dump()}


@pytest.mark.parametrize("path", ["/v2", "/v2/models/reid/infer"])
def test_kserve_has_text_alone(path):
    assert body(path) == {"error": DETAIL.message}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "server_error"),
        (503, "server_error"),
    ],
)
def test_openai_has_a_type_beside_it(status, kind):
    wanted = {**DETAIL.model_dump(), "type": kind, "param": None}
    assert body("/v1/embeddings", status) == {"error": wanted}
