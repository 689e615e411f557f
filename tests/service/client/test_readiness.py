import pytest

from service.client.connection import ReidClientError
from service.client.readiness import await_ready


class Starting:
    """Stands for a client of a service whose answers to `/readyz` are these, the last for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    def ready(self):
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer


LOADING = ReidClientError("measuring", status=503, code="not_ready", retry_after_s=1)


def test_it_waits_through_a_first_start():
    client, pauses = Starting(*[LOADING] * 60, None), []
    await_ready(client, sleep=pauses.append)
    assert client.asked == 61
    assert pauses == [1.0] * 60


def test_it_gives_up_with_what_the_service_said_last():
    client, pauses = Starting(LOADING), []
    with pytest.raises(ReidClientError, match="measuring"):
        await_ready(client, longest_s=5, sleep=pauses.append)
    assert sum(pauses) == 5


@pytest.mark.parametrize("status", [None, 401, 500])
def test_what_does_not_pass_is_told_at_once(status):
    client = Starting(ReidClientError("no", status=status, code="x"))
    with pytest.raises(ReidClientError, match="no"):
        await_ready(client, sleep=lambda _: pytest.fail("it waited"))
    assert client.asked == 1
