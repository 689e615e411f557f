"""A model that raises, has no memory, never comes back or is lost: every request is answered."""

import asyncio
import signal

import httpx
import pytest

from tests.faults.faulty_service import HANG, LOST, POISON, Faults
from tests.faults.live_faults import (
    GOOD,
    embed_request,
    enroll_request,
    enrolled,
    faulty_service,
    search_request,
)
from tests.faults.requests_sent import ask, ask_all, counted

TIMEOUT_S = 2.0


def embedding_of(outcome):
    return httpx.Response(200, content=outcome.body).json()["embedding"]


def test_a_poisoned_tracklet_fails_alone_wherever_it_is_in_the_batch(artifact, tmp_path):
    with faulty_service(artifact, tmp_path, Faults(run_s=0.05), max_batch_frames=8) as service:
        alone = asyncio.run(ask(service.url, embed_request(frames=3)))
        colours = [POISON if number % 5 == 3 else GOOD for number in range(20)]
        requests = [embed_request(colour, frames=3) for colour in colours]
        outcomes = asyncio.run(ask_all(service.url, requests))
        assert [outcome.status for outcome in outcomes] == [
            500 if colour is POISON else 200 for colour in colours
        ]
        for outcome, colour in zip(outcomes, colours, strict=True):
            if colour is GOOD:
                assert embedding_of(outcome) == pytest.approx(embedding_of(alone), abs=1e-6)
            else:
                assert b'"inference_failed"' in outcome.body
                assert b"poisoned" not in outcome.body
        assert httpx.get(f"{service.url}/readyz").status_code == 200


def test_a_poisoned_tracklet_is_not_enrolled_and_its_neighbours_are(artifact, tmp_path):
    with faulty_service(artifact, tmp_path, Faults(), max_batch_frames=8) as service:
        requests = [enroll_request(f"good-{number}") for number in range(6)]
        outcomes = asyncio.run(ask_all(service.url, [*requests, enroll_request("bad", POISON)]))
        assert counted(outcomes) == {201: 6, 500: 1}
        assert enrolled(service) == {f"good-{number}" for number in range(6)}


def test_batches_that_do_not_fit_are_made_smaller_and_nobody_hears_of_it(artifact, tmp_path):
    faults = Faults(run_s=0.02, out_of_memory_above=3)
    with faulty_service(artifact, tmp_path, faults, max_batch_frames=8) as service:
        requests = [embed_request(frames=5) for _ in range(20)]
        assert counted(asyncio.run(ask_all(service.url, requests))) == {200: 20}
        assert httpx.get(f"{service.url}/readyz").status_code == 200


def test_memory_that_was_anothers_for_a_while_costs_one_request(artifact, tmp_path):
    gate = tmp_path / "gate"
    gate.touch()
    faults = Faults(gate=str(gate), out_of_memory_while_gate=True)
    with faulty_service(artifact, tmp_path / "data", faults) as service:
        assert asyncio.run(ask(service.url, embed_request(frames=2))).status == 500
        gate.unlink()
        assert asyncio.run(ask(service.url, embed_request(frames=2))).status == 200


def test_a_model_on_which_even_a_blank_frame_fails_ends_the_process(artifact, tmp_path):
    """Otherwise it would answer 500 for ever, and attract the more requests."""
    gate = tmp_path / "gate"
    gate.touch()
    faults = Faults(gate=str(gate), out_of_memory_while_gate=True)
    with faulty_service(artifact, tmp_path / "data", faults) as service:
        outcomes = [asyncio.run(ask(service.url, embed_request())) for _ in range(4)]
        ends = counted(outcomes)
        assert set(ends) <= {500, 503, "refused", "closed"}, ends
        assert service.process.wait(20) > 0


def test_a_lost_device_answers_everyone_and_ends_the_process_for_another_to_begin(
    artifact, tmp_path
):
    with faulty_service(artifact, tmp_path, Faults(run_s=0.1), max_batch_frames=2) as service:
        assert asyncio.run(ask(service.url, enroll_request("before"))).status == 201

        async def lose():
            requests = [embed_request(frames=2) for _ in range(10)]
            return await ask_all(service.url, [embed_request(LOST), *requests])

        first, *others = asyncio.run(lose())
        assert first.status == 503
        assert set(counted(others)) <= {200, 503, "refused", "closed"}
        assert service.process.wait(20) > 0
    with faulty_service(artifact, tmp_path, Faults()) as service:
        assert enrolled(service) == {"before"}


def test_requests_behind_a_model_that_hangs_are_answered_by_their_deadline(artifact, tmp_path):
    gate = tmp_path / "gate"
    gate.touch()
    faults = Faults(gate=str(gate))
    with faulty_service(
        artifact, tmp_path / "data", faults, request_timeout_s=TIMEOUT_S, max_batch_frames=4
    ) as service:
        assert asyncio.run(ask(service.url, enroll_request("before"))).status == 201
        requests = [embed_request(HANG), *[embed_request(frames=3) for _ in range(8)]]
        requests += [enroll_request("during", HANG), search_request(HANG)]
        outcomes = asyncio.run(ask_all(service.url, requests))
        assert set(counted(outcomes)) <= {429, 503, 504}
        assert outcomes[0].status == 504
        assert max(outcome.seconds for outcome in outcomes) < TIMEOUT_S + 1.0
        # What needs no model goes on, and the model itself when it comes back.
        assert httpx.get(f"{service.url}/healthz").status_code == 200
        assert enrolled(service) == {"before"}
        gate.unlink()
        assert asyncio.run(ask(service.url, embed_request(frames=3))).status == 200


def test_a_model_that_does_not_come_back_fails_liveness_and_is_well_when_it_does(
    artifact, tmp_path
):
    gate = tmp_path / "gate"
    gate.touch()
    faults = Faults(gate=str(gate), stuck_after_s=0.5)
    with faulty_service(artifact, tmp_path / "data", faults, request_timeout_s=1) as service:
        assert health_of(service) == (200, 200)
        assert asyncio.run(ask(service.url, embed_request(HANG))).status == 504
        assert health_of(service) == (503, 503)
        said = httpx.get(f"{service.url}/readyz").json()["error"]["received"]
        assert "a batch that has been computed for" in said
        gate.unlink()
        service.await_ready()
        assert health_of(service) == (200, 200)


def health_of(service):
    """Statuses of liveness and readiness."""
    return tuple(httpx.get(f"{service.url}/{path}").status_code for path in ("healthz", "readyz"))


def test_told_to_stop_while_the_model_hangs_the_process_ends(artifact, tmp_path):
    gate = tmp_path / "gate"
    gate.touch()
    faults = Faults(gate=str(gate))
    with faulty_service(
        artifact, tmp_path / "data", faults, finish_s=1, max_batch_frames=1
    ) as service:

        async def stopped_meanwhile():
            waiting = asyncio.create_task(
                ask_all(service.url, [embed_request(HANG), embed_request(), embed_request()])
            )
            await asyncio.sleep(0.5)
            service.process.send_signal(signal.SIGTERM)
            return await waiting

        assert counted(asyncio.run(stopped_meanwhile())) == {503: 3}
        assert service.process.wait(20) == 0
