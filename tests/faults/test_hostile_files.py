"""Every file of the table in docs/inputs.md is answered as it says, and leaves no memory behind."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.artifact_factory import write_tiny_artifact
from tests.encoded_frames import encoded_frame
from tests.hostile_files import Hostile, hostile_files
from tests.live_service import LiveService, live_service

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8")
CORPUS = hostile_files()
MEBIBYTE = 2**20


def documented() -> dict[str, tuple[str, str]]:
    """From the name of a file to its answer and the words in it."""
    table = GUIDE.split("| file | answer |")[1].split("\n|---|---|---|\n")[1]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]*) ?\|$", table, re.MULTILINE)
    return {name: (answer, words.strip()) for name, answer, words in rows}


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[LiveService]:
    artifact = tmp_path_factory.mktemp("artifact")
    write_tiny_artifact(artifact)
    with live_service(artifact, tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(scope="module")
def http(service: LiveService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=60) as client:
        yield client


def sent(http: httpx.Client, hostile: Hostile) -> httpx.Response:
    if hostile.files:
        files = [(hostile.field, (f"{i}", file)) for i, file in enumerate(hostile.files)]
        return http.post("/embed", files=files)
    headers = {"Content-Type": hostile.content_type, **(hostile.headers or {})}
    return http.post("/embed", content=hostile.body, headers=headers)


def test_every_file_has_its_row_and_every_row_its_file():
    assert list(documented()) == list(CORPUS)


@pytest.mark.parametrize("name", list(CORPUS))
def test_a_file_is_answered_as_the_table_says(http, name):
    answer, words = documented()[name]
    said = sent(http, CORPUS[name]())
    if answer == "200":
        assert said.status_code == 200, said.text
        rejected = " ".join(frame["reason"] for frame in said.json()["frames"]["rejected"])
        assert all(quoted in rejected for quoted in re.findall(r"`([^`]+)`", words))
        return
    status, code = re.fullmatch(r"(\d+) `(\w+)`", answer).groups()
    error = said.json()["error"]
    assert (said.status_code, error["code"]) == (int(status), code), error
    quoted = re.findall(r"`([^`]+)`", words)
    assert quoted
    assert all(text in error["message"] for text in quoted), error["message"]
    assert len(said.content) < 5000


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("a JPEG with an EXIF orientation", {}),
        ("a JPEG with a script in a comment", {}),
        ("a JPEG that is an archive as well", {}),
        ("a progressive JPEG", {"progressive": True}),
    ],
)
def test_what_stands_beside_the_pixels_changes_nothing(http, name, same):
    plain = sent(http, Hostile((encoded_frame(1, "JPEG", **same),)))
    assert sent(http, CORPUS[name]()).json()["embedding"] == plain.json()["embedding"]


def test_memory_stays_flat_and_the_service_goes_on(service, http):
    """Twice over everything: codecs are loaded by then, and nothing may be left or rise high."""
    files = [make() for make in CORPUS.values()]
    for hostile in files:
        sent(http, hostile)
    before = service.resident_bytes()
    Path(f"/proc/{service.process.pid}/clear_refs").write_text("5")  # begins a new peak
    for hostile in files:
        sent(http, hostile)
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024
    assert service.resident_bytes() - before < 16 * MEBIBYTE
    assert peak - before < 96 * MEBIBYTE
    assert http.get("/readyz").json()["ready"]
    assert not [line for line in service.lines if "exception" in line]
