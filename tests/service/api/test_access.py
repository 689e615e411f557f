"""No route can be called without a scope, also one that is added tomorrow."""

import re
import socket
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from service.access.principal import ANYONE, AccessScope, Principal
from service.access.refusals import Forbidden, Unauthorized
from service.api.access import key_name, principal_of, requires
from service.app import create_admin_app, create_app
from service.settings import Settings
from tests.api_keys import add_key, bearer
from tests.live_service import live_service
from tests.people import frames_of, parts_of
from tests.served_routes import served_routes

DOCUMENTATION = {"/openapi.json", "/static-offline-docs", "/docs", "/docs/oauth2-redirect"}
"""Says nothing that the source does not; switched off by REID_SERVE_DOCS=false."""

OPEN = {"/healthz", "/readyz", "/v2", "/v2/health/live", "/v2/health/ready"}
"""What probes ask, which have no keys."""


def applications():
    public = create_app(Settings())
    return {"public": public, "admin": create_admin_app(public, Settings())}


ROUTES = [
    pytest.param(port, route, id=f"{port} {route.path}")
    for port, app in applications().items()
    for route in served_routes(app)
    if route.path not in DOCUMENTATION
]
GUARDED = [each for each in ROUTES if each.values[1].path not in OPEN]


@pytest.mark.parametrize(("port", "route"), ROUTES)
def test_every_route_says_what_its_caller_needs(port, route):
    assert len(route.needed) == 1, f"{route.path} has no requires(...), or several"
    assert bool(route.needed[0].scopes) == (route.path not in OPEN)


def test_the_routes_of_included_routers_are_all_looked_at():
    app = create_app(Settings())
    paths = app.openapi()["paths"]
    described = {(path, method.upper()) for path, methods in paths.items() for method in methods}
    looked_at = {
        (re.sub(r":path}", "}", route.path), method)
        for route in served_routes(app)
        for method in route.methods
    }
    assert described <= looked_at
    assert len(described) > 30


@pytest.fixture(scope="module")
def keyed(artifact_dir, tmp_path_factory):
    """A service with one key of each scope."""
    directory = tmp_path_factory.mktemp("keyed")
    file = directory / "keys.json"
    keys = {scope: add_key(file, scope.name.lower(), scope) for scope in AccessScope}
    settings = {"REID_KEYS_FILE": str(file)}
    with live_service(artifact_dir, directory / "data", settings=settings) as service:
        urls = {"public": service.url, "admin": service.admin_url}
        with httpx.Client() as http:
            yield SimpleNamespace(keys=keys, urls=urls, http=http, service=service, file=file)


def ask(keyed, port, route, headers):
    for method in route.methods:
        path = re.sub(r"{[^}]*}", "x", route.path)
        answer = keyed.http.request(method, keyed.urls[port] + path, headers=headers)
        yield answer, answer.text


@pytest.mark.parametrize(("port", "route"), GUARDED)
def test_without_a_key_the_answer_is_401_and_says_how_to_send_one(keyed, port, route):
    for headers in ({}, bearer("reid_unknown"), {"X-API-Key": "reid_unknown"}):
        for answer, said in ask(keyed, port, route, headers):
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="tracklet-reid"'
            assert "expected a valid API key, received " in said


@pytest.mark.parametrize(("port", "route"), GUARDED)
def test_each_scope_alone_opens_what_needs_it_and_nothing_else(keyed, port, route):
    for scope, api_key in keyed.keys.items():
        for answer, said in ask(keyed, port, route, bearer(api_key)):
            if scope in route.needed[0].scopes:
                assert answer.status_code not in {401, 403}
            else:
                assert answer.status_code == 403
                assert f"received one with {scope}; use another key" in said
                assert "WWW-Authenticate" not in answer.headers


def test_probes_need_no_key_and_a_wrong_one_does_not_disturb_them(keyed):
    for headers in ({}, bearer("reid_wrong")):
        for path in ("/healthz", "/readyz"):
            assert keyed.http.get(keyed.urls["public"] + path, headers=headers).status_code == 200


def test_nobody_is_redirected_so_that_no_key_follows_in_clear(keyed):
    headers = {**bearer(keyed.keys[AccessScope.EMBED]), "Host": "elsewhere"}
    for path in ("/embed/", "/v2/", "/model/"):
        answer = keyed.http.post(keyed.urls["public"] + path, headers=headers)
        assert answer.status_code == 404
        assert "Location" not in answer.headers


def test_an_upload_is_refused_before_its_body_has_come(keyed):
    where = urlsplit(keyed.urls["public"])
    with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
        connection.sendall(
            b"POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")


def test_a_key_opens_by_either_header_and_the_log_has_its_name_and_never_itself(keyed):
    api_key = keyed.keys[AccessScope.SEARCH]
    lower = {"Authorization": f"bearer {api_key}"}
    for headers in (bearer(api_key), {"X-API-Key": api_key}, lower):
        answer = keyed.http.get(f"{keyed.urls['public']}/galleries", headers=headers)
        assert answer.status_code == 200
        line = keyed.service.request_line(answer.headers["X-Request-ID"])
        assert line["key"] == "search"
    assert api_key not in str(keyed.service.lines)


def test_a_stored_embedding_is_read_by_an_operator_alone(keyed):
    url = keyed.urls["public"] + "/galleries/default/tracklets/nobody"
    for scope, expected in ((AccessScope.SEARCH, 404), (AccessScope.ADMIN, 403)):
        assert keyed.http.get(url, headers=bearer(keyed.keys[scope])).status_code == expected
    answer = keyed.http.get(f"{url}?embedding=true", headers=bearer(keyed.keys[AccessScope.SEARCH]))
    error = answer.json()["error"]
    assert (answer.status_code, error["expected"]) == (403, "a key with the scope admin")
    both = add_key(keyed.file, "both", AccessScope.SEARCH, AccessScope.ADMIN)
    until = time.monotonic() + 20
    while True:
        answer = keyed.http.get(f"{url}?embedding=true", headers=bearer(both))
        if answer.status_code == 404:
            break
        assert time.monotonic() < until, answer.text
        time.sleep(0.05)


def test_a_key_that_asks_too_much_is_told_when_to_come_back_and_others_go_on(keyed):
    slow = add_key(keyed.file, "slow", AccessScope.EMBED, requests_per_s=100, frames_per_s=0.5)
    url = keyed.urls["public"] + "/embed"
    until = time.monotonic() + 20
    while keyed.http.post(url, headers=bearer(slow)).status_code == 401:
        assert time.monotonic() < until
        time.sleep(0.05)
    parts = parts_of(frames_of("red", count=3))
    assert keyed.http.post(url, files=parts, headers=bearer(slow)).status_code == 200
    refused = keyed.http.post(url, files=parts, headers=bearer(slow))
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (429, "quota_exceeded")
    assert error["expected"] == "at most 5 frames in 10 s by this key"
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    other = bearer(keyed.keys[AccessScope.EMBED])
    assert keyed.http.post(url, files=parts, headers=other).status_code == 200


def test_requests_are_counted_by_key_on_every_route_that_needs_one(keyed):
    often = add_key(keyed.file, "often", AccessScope.SEARCH, requests_per_s=0.3)
    url = keyed.urls["public"]
    until = time.monotonic() + 20
    while keyed.http.get(f"{url}/model", headers=bearer(often)).status_code == 401:
        assert time.monotonic() < until
        time.sleep(0.05)
    paths = ("/galleries", "/model", "/aliases")
    answers = [keyed.http.get(url + path, headers=bearer(often)) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "at most 3 requests in 10 s by this key" in answers[-1].text
    assert keyed.http.get(f"{url}/healthz", headers=bearer(often)).status_code == 200


def test_the_audit_log_names_the_key(keyed):
    url, keys = keyed.urls["public"], keyed.keys
    body = {"tracklet_id": "nobody"}
    searcher = bearer(keys[AccessScope.SEARCH])
    assert keyed.http.post(f"{url}/search", json=body, headers=searcher).status_code == 404
    admin = bearer(keys[AccessScope.ADMIN])
    assert keyed.http.get(f"{url}/galleries/default/export", headers=admin).is_success
    page = keyed.http.get(f"{keyed.urls['admin']}/audit", headers=admin).json()
    assert ("export", "admin") in {(one["action"], one["actor"]) for one in page["entries"]}
    names = {scope.name.lower() for scope in AccessScope} | {"both"}
    assert {one["actor"] for one in page["entries"]} <= names


def test_the_documentation_can_be_switched_off():
    public = create_app(Settings(serve_docs=False))
    admin = create_admin_app(public, Settings(serve_docs=False))
    for app in (public, admin):
        assert not DOCUMENTATION & {route.path for route in served_routes(app)}


def test_a_request_that_nobody_looked_at_is_refused():
    with pytest.raises(Unauthorized, match="expected a request whose sender is known"):
        principal_of({"type": "http"})
    assert key_name({"type": "http"}) is None


def test_what_was_found_is_given_or_raised():
    refused = Forbidden(expected="a", received="b", remedy="c")
    with pytest.raises(Forbidden):
        principal_of({"state": {"access": refused}})
    assert principal_of({"state": {"access": ANYONE}}) is ANYONE
    named = Principal("gate", frozenset())
    assert key_name({"state": {"access": named}}) == "gate"


def test_several_scopes_mean_any_of_them():
    app = FastAPI()

    @app.get("/", dependencies=[requires(AccessScope.EMBED, AccessScope.SEARCH)])
    def read() -> None: ...

    (route,) = (each for each in served_routes(app) if each.path == "/")
    assert route.needed[0].scopes == {AccessScope.EMBED, AccessScope.SEARCH}
