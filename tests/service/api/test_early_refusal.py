import asyncio
import json

import pytest

from service.api.early_refusal import EarlyRefusal

USUAL_S = 30.0
LONGEST_S = 60.0
ANSWER_EVERY_S = 0.1


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


class App:
    """Answers the oldest request when it is told to."""

    def __init__(self):
        self.waiting = []
        self.status = 200

    async def __call__(self, scope, receive, send):
        turn = asyncio.Event()
        self.waiting.append(turn)
        await turn.wait()
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Service:
    def __init__(self):
        self.clock = Clock()
        self.app = App()
        self.served = EarlyRefusal(self.app, usual_s=USUAL_S, longest_s=LONGEST_S, clock=self.clock)
        self.tasks = []

    def begin(self, path="/embed", *, method="POST", **headers):
        task = asyncio.create_task(self.ask(path, method=method, **headers))
        self.tasks.append(task)
        return task

    async def ask(self, path="/embed", *, method="POST", **headers):
        """Status, Retry-After and code of the answer."""
        sent = []
        named = [
            (name.replace("_", "-").encode(), str(value).encode())
            for name, value in headers.items()
        ]
        scope = {"type": "http", "method": method, "path": path, "headers": named, "state": {}}

        async def send(message):
            sent.append(message)

        await self.served(scope, None, send)
        answered = dict(sent[0].get("headers", []))
        body = sent[1]["body"]
        code = json.loads(body)["error"]["code"] if body else None
        return sent[0]["status"], answered.get(b"retry-after"), code

    async def pile_up(self, requests, path="/embed", **headers):
        for _ in range(requests):
            self.begin(path, **headers)
        await asyncio.sleep(0)

    async def answer(self, requests):
        for _ in range(requests):
            self.clock.now_s += ANSWER_EVERY_S
            self.app.waiting.pop(0).set()
            for _ in range(3):
                await asyncio.sleep(0)

    async def end(self):
        while self.app.waiting:
            await self.answer(1)
        await asyncio.gather(*self.tasks)


def story(tell):
    async def told():
        service = Service()
        await tell(service)
        await service.end()

    asyncio.run(asyncio.wait_for(told(), 20))


def test_what_would_come_too_late_is_refused_and_told_when_to_come_back():
    async def tell(service):
        await service.pile_up(80)
        await service.answer(20)

        assert await service.ask(x_timeout_s=2) == (429, b"7", "overloaded")

    story(tell)


@pytest.mark.parametrize("stalled_s", [25, 5000])
def test_after_a_stall_nobody_is_sent_away_for_longer_than_those_under_way_have(stalled_s):
    async def tell(service):
        await service.pile_up(80)
        await service.answer(20)
        service.clock.now_s += stalled_s
        await service.answer(1)
        service.clock.now_s += 20

        assert await service.ask(x_timeout_s=30) == (429, b"60", "overloaded")

    story(tell)


def test_what_comes_in_time_is_served():
    async def tell(service):
        await service.pile_up(80)
        await service.answer(20)
        patient = service.begin(x_timeout_s=20)
        usual = service.begin()
        await asyncio.sleep(0)

        assert len(service.app.waiting) == 62
        await service.end()
        assert (await patient)[0] == (await usual)[0] == 200

    story(tell)


def test_few_are_never_refused():
    async def tell(service):
        await service.pile_up(50)
        await service.answer(19)
        service.begin(x_timeout_s=0.1)
        await asyncio.sleep(0)

        assert len(service.app.waiting) == 32

    story(tell)


def test_nobody_is_refused_before_anything_was_answered():
    async def tell(service):
        await service.pile_up(500, x_timeout_s=0.1)

        assert len(service.app.waiting) == 500

    story(tell)


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/search", "POST", {}),
        ("/embed", "POST", {"x_priority": "interactive"}),
        ("/embed", "GET", {}),
        ("/healthz", "GET", {}),
        ("/galleries/default/tracklets:bulk", "POST", {}),
    ],
)
def test_requests_of_another_kind_are_not_in_the_way(path, method, headers):
    async def tell(service):
        await service.pile_up(80)
        await service.answer(20)
        service.begin(path, method=method, x_timeout_s=0.1, **headers)
        await asyncio.sleep(0)

        assert len(service.app.waiting) == 61

    story(tell)


def test_refusals_of_others_do_not_count_as_answers():
    async def tell(service):
        await service.pile_up(80)
        await service.answer(10)
        service.app.status = 429
        await service.answer(30)

        # Ten answers in four seconds: forty that wait take sixteen, not four.
        status, retry_after, _ = await service.ask(x_timeout_s=8)
        assert status == 429
        assert int(retry_after) > 12

    story(tell)


@pytest.mark.parametrize("asked", ["nan", "inf", "-1", "0", "soon"])
def test_a_time_that_is_none_is_left_to_the_route(asked):
    async def tell(service):
        await service.pile_up(80)
        await service.answer(20)
        service.begin(x_timeout_s=asked)
        await asyncio.sleep(0)

        assert len(service.app.waiting) == 61

    story(tell)


def test_requests_that_end_without_an_answer_are_not_under_way_any_more():
    async def tell(service):
        await service.pile_up(80)
        await service.answer(20)
        for task in service.tasks[20:]:
            task.cancel()
        await asyncio.gather(*service.tasks, return_exceptions=True)
        service.app.waiting.clear()
        service.tasks.clear()
        service.begin(x_timeout_s=0.1)
        await asyncio.sleep(0)

        assert len(service.app.waiting) == 1

    story(tell)
