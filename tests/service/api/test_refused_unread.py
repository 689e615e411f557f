"""An upload for which there is no room is refused before its body is read."""

import json
from types import SimpleNamespace

import pytest

from service.api.dependencies import open_runtime
from service.app import create_app
from service.batching.admission import Admission
from service.batching.urgency import PATIENT
from service.runtime import Runtime
from service.settings import Settings
from tests.asgi_exchange import exchange

UPLOADS = [
    ("POST", "/embed"),
    ("POST", "/search"),
    ("PUT", "/galleries/default/tracklets/a"),
]
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.fixture
def admission():
    return Admission(8)


@pytest.fixture
def app(admission, artifact_dir, tmp_path):
    """The application over a model that computes nothing."""
    settings = Settings(artifact_dir=artifact_dir, data_dir=tmp_path)
    model = SimpleNamespace(
        admission=admission, embedder=SimpleNamespace(items_of=lambda frames: frames)
    )
    unaudited = SimpleNamespace(audit=None)
    made = create_app(settings)
    made.dependency_overrides[open_runtime] = lambda: Runtime(settings, model, None, unaudited)
    return made


@pytest.mark.parametrize(("method", "path"), UPLOADS)
def test_without_room_the_body_is_not_asked_for(app, admission, method, path):
    with admission.reserve(8, PATIENT):
        seen = exchange(app, chunks=[b"no form"], headers=FORM, path=path, method=method)

    assert (seen.status, seen.chunks_read) == (429, 0)
    assert json.loads(seen.body)["error"]["code"] == "overloaded"
    assert int(seen.headers["retry-after"]) >= 1


@pytest.mark.parametrize(("method", "path"), UPLOADS)
def test_with_room_the_body_says_what_is_wrong_and_takes_none(app, admission, method, path):
    seen = exchange(app, chunks=[b"no form"], headers=FORM, path=path, method=method)

    assert (seen.status, seen.chunks_read) == (400, 1)
    assert json.loads(seen.body)["error"]["code"] == "malformed_request"
    assert admission.held_items == 0
