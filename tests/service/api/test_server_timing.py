from service.api.server_timing import server_timing
from service.stage_times import StageTimes
from tests.people import frames_of, parts_of


def test_stages_are_in_milliseconds_and_the_total_is_last():
    times = StageTimes()
    times.add("decode", 0.00125, ended_s=1.0)
    times.add("inference", 0.05, ended_s=2.0)
    assert server_timing(times, 0.0525) == "decode;dur=1.25, inference;dur=50.00, total;dur=52.50"


def test_a_request_without_stages_has_its_total():
    assert server_timing(StageTimes(), 0.001) == "total;dur=1.00"


def stages_of(answer):
    parts = [part.split(";dur=") for part in answer.headers["server-timing"].split(", ")]
    return {name: float(taken) for name, taken in parts}


def test_the_answer_says_what_each_stage_took(http):
    taken = stages_of(http.post("/search", files=parts_of(frames_of("red"))))
    assert list(taken) == ["decode", "queue", "inference", "search", "total"]
    total = taken.pop("total")
    assert 0 < sum(taken.values()) <= total + 0.05
