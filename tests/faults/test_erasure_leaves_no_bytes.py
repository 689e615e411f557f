"""Once a receipt is final, no byte of the person's rows is in files, snapshots or index memory.

Sought are, for each embedding, its beginning and its middle as float16, as the float32 that are
searched, as the float32 that were sent, and as float64; and in files an attribute that stands in
the packed row and nowhere else. Not promised are the store's own caches in the process, and the
values of attributes, which the index keeps for filters. The receipt, the log and the audit log name
whom was erased, so that names are not sought.
"""

import base64
import time
from contextlib import contextmanager, suppress

import httpx
import pytest

from tests.gallery_rows import embedding_of
from tests.live_service import live_service
from tests.process_memory import found_in_files, found_in_memory
from tests.redis_server import RedisServer

DIMENSION = 20
PEOPLE = {"erased": range(3), "kept": range(100, 103)}
WANTED = "/galleries/default/identities/erased"
INDEX_MEMORY = "/dev/zero (deleted)"
"""How Linux names the shared anonymous memory that the index maps."""

FAILPOINTS = ["erasure.begun", "erasure.deleted", "erasure.forgotten", "erasure.purged"]


def embedding(seed):
    return embedding_of(seed, DIMENSION)


def secret(seed):
    return f"coat-{seed:03}-{'q' * 40}"


def needles(person):
    """What must not be found of a person, by what it is."""
    found = {}
    for seed in PEOPLE[person]:
        sent = embedding(seed)
        halves = sent.astype("<f2")
        held = halves.astype("<f4")
        forms = {
            "float16": halves.tobytes(),
            "float32 held": held.tobytes(),
            "float32 sent": sent.tobytes(),
            "float64": held.astype("<f8").tobytes(),
        }
        for name, raw in forms.items():
            found[f"{name} begins {seed}"] = raw[:32]
            found[f"{name} middle {seed}"] = raw[len(raw) // 2 :][:32]
        found[f"row {seed}"] = secret(seed).encode()
    return found


@contextmanager
def storage(kind, tmp_path):
    """Settings of a service with this store, and the directories of all that it keeps."""
    data = tmp_path / "data"
    own = {"REID_REPLICA_NAME": "one"}
    if kind == "sqlite":
        yield own, [data]
        return
    with RedisServer(tmp_path / "redis") as server:
        yield (
            {**own, "REID_STORE": "redis", "REID_REDIS_URL": server.url},
            [data, tmp_path / "redis"],
        )


def enroll_everybody(http):
    for person, seeds in PEOPLE.items():
        for seed in seeds:
            sent = base64.b64encode(embedding(seed).tobytes()).decode()
            body = {
                "embedding": sent,
                "metadata": {"identity": person, "attributes": {"coat": secret(seed)}},
            }
            answer = http.put(f"/galleries/default/tracklets/t{seed}", json=body)
            assert answer.status_code == 201, answer.text


def use_everybody(http):
    """Reads and searches, which leave copies in memory."""
    for seed in PEOPLE["erased"]:
        assert http.get(f"/galleries/default/tracklets/t{seed}?embedding=true").status_code == 200
        answer = http.post("/search", json={"tracklet_id": f"t{seed}", "group_by": "identity"})
        assert answer.status_code == 200
    assert http.get("/galleries/default/export").status_code == 200


def erased(http):
    answer = http.delete(WANTED, params={"erase": "true", "wait": "true"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def found_on_disk(directories, sought):
    found = {}
    for directory in directories:
        found |= found_in_files(directory, sought)
    return found


def left_in_memory(process_id, person):
    """What is left of the embeddings in the index."""
    sought = {name: raw for name, raw in needles(person).items() if not name.startswith("row")}
    return found_in_memory(process_id, sought, mapped_as=INDEX_MEMORY)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_after_a_final_receipt_no_byte_is_left_in_files_or_memory(tmp_path, artifact, kind):
    with (
        storage(kind, tmp_path) as (settings, directories),
        live_service(artifact, tmp_path / "data", settings=settings) as service,
        httpx.Client(base_url=service.url, timeout=60) as http,
    ):
        enroll_everybody(http)
        use_everybody(http)
        sought, others = needles("erased"), needles("kept")
        assert found_on_disk(directories, sought)
        assert len(left_in_memory(service.process.pid, "erased")) >= 2 * len(PEOPLE["erased"])

        receipt = erased(http)
        assert (receipt["state"], receipt["tracklets"]) == ("final", len(PEOPLE["erased"]))
        assert found_on_disk(directories, sought) == {}
        assert left_in_memory(service.process.pid, "erased") == {}
        kept = found_on_disk(directories, others)
        assert {name for name in others if name.startswith("float16")} <= set(kept)
        assert len(left_in_memory(service.process.pid, "kept")) >= 2 * len(PEOPLE["kept"])
        for seed in PEOPLE["kept"]:
            assert http.get(f"/galleries/default/tracklets/t{seed}").status_code == 200


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_in_the_middle_it_goes_on_after_the_restart_until_nothing_is_left(
    tmp_path, artifact, kind, failpoint
):
    with storage(kind, tmp_path) as (settings, directories):
        armed = {**settings, "GALLERY_FAILPOINTS": f"{failpoint}:kill"}
        with live_service(artifact, tmp_path / "data", settings=armed) as service:
            with httpx.Client(base_url=service.url, timeout=60) as http:
                enroll_everybody(http)
                # The process may be dead before it has answered; the receipt is there all the same.
                with suppress(httpx.TransportError):
                    assert http.delete(WANTED, params={"erase": "true"}).status_code == 202
            service.process.wait(60)
            assert service.process.returncode == -9
        with (
            live_service(artifact, tmp_path / "data", settings=settings) as service,
            httpx.Client(base_url=service.url, timeout=60) as http,
        ):
            (receipt,) = final(http)
            assert receipt["tracklets"] == len(PEOPLE["erased"])
            assert found_on_disk(directories, needles("erased")) == {}
            assert left_in_memory(service.process.pid, "erased") == {}


def final(http):
    """All receipts, once they are final."""
    for _ in range(600):
        receipts = http.get("/galleries/default/erasures").json()["erasures"]
        if {receipt["state"] for receipt in receipts} == {"final"}:
            return receipts
        time.sleep(0.05)
    raise AssertionError(receipts)
