from service.batching.run_times import RunTimes


def test_before_and_with_quick_runs_thirty_seconds_are_too_long():
    times = RunTimes()
    assert times.longest_s == 30
    times.add(0.01)
    assert times.longest_s == 30


def test_slow_runs_may_take_twenty_times_their_99th_percentile():
    times = RunTimes()
    for _ in range(98):
        times.add(2.0)
    times.add(3.0)
    times.add(3.0)

    assert times.longest_s == 60


def test_one_slow_run_of_many_does_not_count():
    times = RunTimes()
    for _ in range(200):
        times.add(2.0)
    times.add(500.0)

    assert times.longest_s == 40


def test_old_runs_are_forgotten():
    times = RunTimes()
    for _ in range(10):
        times.add(100.0)
    for _ in range(512):
        times.add(2.0)

    assert times.longest_s == 40
