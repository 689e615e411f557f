"""Requests made from the committed OpenAPI documents: none breaks the service, and all is answered
as the documents say."""

import base64
import json
from collections.abc import Iterator

import httpx
import msgpack
import pytest
import schemathesis
import schemathesis.openapi
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from tests.artifact_factory import write_tiny_artifact
from tests.enrolled_lines import item, ndjson
from tests.live_service import ROOT, LiveService, live_service
from tests.long_run import rounds
from tests.people import COLOURS, frames_of

DOCUMENTS = ("openapi.json", "openapi-operators.json")
HELD = ("a", "b", "c")
"""Tracklets that the gallery holds, until a call deletes one."""

EXAMPLES = rounds(short=4, long=400)
SHORT_S = 1.0

load_all_checks()
CONFORMING = [
    CHECKS.get_one(name)
    for name in (
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    )
]
REFUSING = [*CONFORMING, CHECKS.get_one("negative_data_rejection")]

PICTURES = [frame for person in COLOURS for frame in frames_of(person, count=1)]
schemathesis.openapi.format("binary", st.sampled_from(PICTURES) | st.binary(max_size=200))
schemathesis.openapi.format(
    "byte",
    st.sampled_from([base64.b64encode(picture).decode() for picture in PICTURES]) | st.text(),
)


@schemathesis.serializer("application/x-ndjson")
def as_lines(_context, value):
    return value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n"


@schemathesis.serializer("application/msgpack")
def as_msgpack(_context, value):
    return value if isinstance(value, bytes) else msgpack.packb(packable(value))


def packable(value):
    """The same, but for whole numbers that the format has no room for."""
    if isinstance(value, dict):
        return {key: packable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [packable(each) for each in value]
    return max(-(2**63), min(value, 2**64 - 1)) if isinstance(value, int) else value


def operations():
    for name in DOCUMENTS:
        schema = schemathesis.openapi.from_path(ROOT / "docs" / name)
        for found in schema.get_all_operations():
            operation = found.ok()
            yield pytest.param(name, operation, id=operation.label)


OPERATIONS = list(operations())


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    directory = tmp_path_factory.mktemp("every-call")
    write_tiny_artifact(directory / "artifact")
    with live_service(directory / "artifact", directory / "data") as service:
        yield service
        assert httpx.get(f"{service.url}/healthz").status_code == 200
        assert not service.events("unexpected_failure")


def examples(operation, mode: GenerationMode):
    """The decorators of a test that makes requests for the operation."""
    strategy = operation.as_strategy(generation_mode=mode)

    def decorate(test):
        made = given(case=strategy, is_steered=st.sampled_from([True, True, True, False]))(test)
        return settings(
            max_examples=EXAMPLES,
            derandomize=EXAMPLES < 100,
            database=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )(made)

    return decorate


def steer(case: Case) -> None:
    """Mostly ask for what is there: a made-up name would never get past the first check."""
    names = case.path_parameters or {}
    known = {"gallery": "default", "model": "reid", "version": "1", "tracklet_id": HELD[0]}
    if case.operation.label != "DELETE /galleries/{gallery}":
        names.update({name: known[name] for name in names if name in known})
    for header in ("x-timeout-s", "x-min-seq", "x-purpose"):
        (case.headers or {}).pop(header, None)
    (case.query or {}).pop("min_seq", None)
    if isinstance(case.body, dict):
        case.body.update({name: known[name] for name in case.body if name in ("gallery", "model")})
        case.body.pop("min_seq", None)


def hold_some(url: str) -> None:
    httpx.post(f"{url}/galleries", json={"name": "default"})
    lines = ndjson(*(item(name, place + 1) for place, name in enumerate(HELD)))
    httpx.post(
        f"{url}/galleries/default/tracklets:bulk",
        content=lines,
        headers={"Content-Type": "application/x-ndjson"},
    )


def call(case: Case, service: LiveService, document: str, *, is_steered: bool):
    if is_steered:
        steer(case)
    url = service.url if document == DOCUMENTS[0] else service.admin_url
    answer = case.call(base_url=url, timeout=60)
    assert answer.status_code < 500 or was_asked_for(case, answer.status_code, answer.content), (
        f"{answer.status_code}: {answer.content[:500]!r} to {case.as_curl_command()}"
    )
    return answer


def was_asked_for(case: Case, status: int, content: bytes) -> bool:
    """Whether nothing else can be answered: no time was given, or what cannot be held yet."""
    sent = {name.lower(): value for name, value in (case.headers or {}).items()}
    body = case.body if isinstance(case.body, dict) else {}
    if status == 504:
        parameters = body.get("parameters") or {}
        asked_s = [float(sent.get("x-timeout-s", 60)), parameters.get("timeout", 0) / 1e6 or 60]
        return min(asked_s) < SHORT_S
    code = json.loads(content)["error"].get("code")
    if status == 503:
        asked = {"min_seq", "x-min-seq"} & {*sent, *body, *(case.query or {})}
        return code == "replica_behind" and bool(asked)
    return status == 507 and code == "capacity_exceeded"


@pytest.mark.parametrize(("document", "operation"), OPERATIONS)
def test_what_the_document_allows_is_answered_as_it_says(service, document, operation):
    hold_some(service.url)

    @examples(operation, GenerationMode.POSITIVE)
    def request(case, is_steered):
        answer = call(case, service, document, is_steered=is_steered)
        case.validate_response(answer, checks=CONFORMING)

    request()


def takes_anything(operation) -> bool:
    """Whether there is nothing that could be wrong in a request."""
    return not (operation.body or operation.query or operation.headers)


@pytest.mark.parametrize(
    ("document", "operation"),
    [each for each in OPERATIONS if not takes_anything(each.values[1])],
)
def test_what_the_document_forbids_is_refused(service, document, operation):
    hold_some(service.url)
    # Elsewhere what counts as wrong is not told apart: a form with one of several parts, a query
    # whose key comes twice, a wrong line that is told on a line of an answer of status 200.
    is_plain = [body.media_type for body in operation.body] == ["application/json"]

    @examples(operation, GenerationMode.NEGATIVE)
    def request(case, is_steered):
        answer = call(case, service, document, is_steered=is_steered)
        case.validate_response(answer, checks=REFUSING if is_plain else CONFORMING)

    request()
