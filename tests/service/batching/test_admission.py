import asyncio
import contextlib
import time

import pytest

from service.batching.admission import Admission
from service.batching.urgency import PATIENT, Priority, Urgency
from service.errors import InferenceFailed, NoReadableFrame, NotReady, Overloaded, TooManyFrames
from tests.fake_clock import FakeClock

SEARCH = Urgency(Priority.INTERACTIVE)


@pytest.fixture
def clock():
    return FakeClock()


def until(clock, seconds, priority=Priority.BULK):
    return Urgency(priority, clock.now_s + seconds)


@contextlib.contextmanager
def beside_another(admission):
    """Have another request under way, which its client gives up at last."""
    with contextlib.suppress(asyncio.CancelledError), admission.reserve(1, PATIENT):
        yield
        raise asyncio.CancelledError


def work_off(admission, clock, *, items, seconds, priority=Priority.BULK):
    """Let one of several requests be answered after `seconds`."""
    with beside_another(admission), admission.reserve(items, Urgency(priority)):
        clock.now_s += seconds


@contextlib.contextmanager
def holding(admission, *requests):
    with contextlib.ExitStack() as inside:
        for items, urgency in requests:
            inside.enter_context(admission.reserve(items, urgency))
        yield


def refusal(admission, items, urgency):
    with pytest.raises(Overloaded) as caught, admission.reserve(items, urgency):
        pass
    return caught.value


class TestRoom:
    def test_room_is_asked_for_without_being_taken(self):
        admission = Admission(80)

        with admission.reserve(69, PATIENT):
            admission.require_room(1, PATIENT)
            assert admission.held_items == 69
            with pytest.raises(Overloaded) as caught:
                admission.require_room(2, PATIENT)
        assert caught.value.received == "2 more beside 69"

    def test_all_or_nothing_is_reserved_and_given_back(self):
        admission = Admission(80)

        with admission.reserve(60, PATIENT):
            assert admission.held_items == 60
            refused = refusal(admission, 11, PATIENT)
            assert admission.held_items == 60
        assert admission.held_items == 0

        assert refused.expected == "at most 70 frames under way"
        assert refused.received == "11 more beside 60"
        assert refused.remedy == "send the request again later"
        assert refused.retry_after_s == 1

    @pytest.mark.parametrize("error", [ValueError, NoReadableFrame, asyncio.CancelledError])
    def test_room_is_given_back_however_the_request_ends(self, error):
        admission = Admission(80)
        details = (
            {}
            if error is not NoReadableFrame
            else dict.fromkeys(("expected", "received", "remedy"), "")
        )

        with pytest.raises(error), admission.reserve(60, PATIENT):
            raise error(**details)

        assert admission.held_items == 0

    def test_what_turned_out_not_to_be_needed_is_given_back_at_once(self):
        admission = Admission(80)

        with admission.reserve(60, PATIENT) as reservation:
            reservation.shrink(10)
            assert admission.held_items == 10
            reservation.shrink(20)
            assert admission.held_items == 10

    def test_bulk_leaves_an_eighth_of_the_room_for_searches(self):
        admission = Admission(80)

        with holding(admission, (70, PATIENT)):
            refusal(admission, 1, PATIENT)
            with admission.reserve(10, SEARCH):
                assert refusal(admission, 1, SEARCH).expected == "at most 80 frames under way"

    def test_searches_leave_an_eighth_of_the_room_for_bulk(self):
        admission = Admission(80)

        with holding(admission, (70, SEARCH)):
            refused = refusal(admission, 1, SEARCH)
            refusal(admission, 11, PATIENT)
            with admission.reserve(10, PATIENT):
                assert refusal(admission, 1, PATIENT).received == "1 more beside 80"

        assert refused.expected == "at most 70 frames under way"
        assert refused.received == "1 more beside 70"

    def test_nobody_is_refused_by_an_empty_service(self, clock):
        admission = Admission(80, clock=clock)
        work_off(admission, clock, items=1, seconds=60)

        with admission.reserve(80, until(clock, 0.1)):
            assert admission.held_items == 80

    def test_what_could_never_fit_is_refused_for_good(self):
        with pytest.raises(TooManyFrames) as caught, Admission(64).reserve(65, PATIENT):
            pass

        assert caught.value.expected == "at most 64 frames"
        assert caught.value.received == "65"
        assert caught.value.remedy == (
            "send fewer frames of the tracklet, or raise REID_MAX_QUEUE_FRAMES"
        )

    def test_a_closed_one_lets_nobody_in_and_those_inside_go_on(self):
        admission = Admission(80)

        with admission.reserve(5, PATIENT):
            admission.close()
            with pytest.raises(NotReady) as caught, admission.reserve(1, SEARCH):
                pass
            assert admission.held_items == 5

        assert caught.value.expected == "a service that takes requests"
        assert caught.value.received == "a request while the service drains"
        assert caught.value.remedy == "send the request again later"
        assert caught.value.retry_after_s == 1


class TestPredictedWait:
    def test_nothing_is_let_in_that_could_not_be_answered_in_time(self, clock):
        admission = Admission(1000, clock=clock)
        work_off(admission, clock, items=100, seconds=1)

        with holding(admission, (100, PATIENT)):
            refused = refusal(admission, 100, until(clock, 2.4))
            with admission.reserve(100, until(clock, 2.6)):
                pass

        assert refused.expected == "an answer before the request's deadline"
        assert refused.received == "a wait of about 2.0 s with 2.4 s left"

    def test_before_any_measure_only_the_room_counts(self, clock):
        admission = Admission(1000, clock=clock)

        with holding(admission, (500, PATIENT)), admission.reserve(300, until(clock, 0.001)):
            assert admission.held_items == 800

    def test_how_long_one_alone_takes_is_not_how_many_can_be_answered(self, clock):
        admission = Admission(1000, clock=clock)
        for _ in range(10):
            with admission.reserve(8, PATIENT):
                clock.now_s += 1

        with holding(admission, *[(8, PATIENT)] * 7), admission.reserve(8, until(clock, 3)):
            assert admission.held_items == 64

    def test_the_first_moments_say_nothing(self, clock):
        admission = Admission(1000, clock=clock)
        work_off(admission, clock, items=1, seconds=0.24)

        with holding(admission, (500, PATIENT)), admission.reserve(1, until(clock, 1)):
            assert admission.held_items == 501

    def test_retry_after_is_the_time_of_what_is_inside_rounded_up(self, clock):
        admission = Admission(1000, clock=clock)
        work_off(admission, clock, items=100, seconds=1)

        with holding(admission, (310, PATIENT)):
            assert refusal(admission, 1, until(clock, 1)).retry_after_s == 4

    def test_after_a_stall_nobody_is_sent_away_for_longer_than_those_inside_have(self, clock):
        admission = Admission(100, clock=clock)
        work_off(admission, clock, items=80, seconds=1)
        with admission.reserve(1, until(clock, 1000)):
            pass

        with holding(admission, (40, until(clock, 30)), (40, until(clock, 25))):
            clock.now_s += 20
            assert refusal(admission, 21, until(clock, 30)).retry_after_s == 10
            clock.now_s += 9.5
            assert refusal(admission, 21, until(clock, 30)).retry_after_s == 1

    def test_time_without_work_makes_the_rate_no_lower(self, clock):
        admission = Admission(1000, clock=clock)
        work_off(admission, clock, items=100, seconds=1)
        clock.now_s += 3600

        with holding(admission, (310, PATIENT)):
            assert refusal(admission, 1, until(clock, 1)).retry_after_s == 4

    def test_the_rate_follows_what_the_machine_does_now(self, clock):
        admission = Admission(1000, clock=clock)
        for _ in range(20):
            work_off(admission, clock, items=100, seconds=1)
        for _ in range(20):
            work_off(admission, clock, items=50, seconds=1)

        with holding(admission, (310, PATIENT)):
            assert refusal(admission, 1, until(clock, 1)).retry_after_s == 7

    @pytest.mark.parametrize(("error", "counts"), [(InferenceFailed, True), (NotReady, False)])
    def test_only_what_was_worked_on_counts_as_worked_off(self, clock, error, counts):
        admission = Admission(1000, clock=clock)
        details = dict.fromkeys(("expected", "received", "remedy"), "")

        def fail():
            with admission.reserve(100, PATIENT):
                clock.now_s += 1
                raise error(**details)

        with beside_another(admission), pytest.raises(error):
            fail()

        with holding(admission, (310, PATIENT)):
            if counts:
                assert refusal(admission, 1, until(clock, 1)).retry_after_s == 4
            else:
                with admission.reserve(1, until(clock, 1)):
                    pass

    def test_bulk_before_a_search_delays_it_no_more_than_its_share(self, clock):
        admission = Admission(1000, clock=clock)
        work_off(admission, clock, items=100, seconds=1)

        with holding(admission, (700, PATIENT)):
            refusal(admission, 70, until(clock, 0.9, Priority.INTERACTIVE))
            with admission.reserve(70, until(clock, 1.1, Priority.INTERACTIVE)):
                pass

    def test_bulk_beside_steady_searches_is_promised_only_what_they_leave(self, clock):
        admission = Admission(10_000, clock=clock)
        for _ in range(40):
            with beside_another(admission), admission.reserve(10, PATIENT):
                work_off(admission, clock, items=90, seconds=1, priority=Priority.INTERACTIVE)

        with holding(admission, (99, PATIENT)):
            refusal(admission, 1, until(clock, 8))
            with admission.reserve(1, until(clock, 11)):
                pass


def test_the_clock_of_deadlines_is_used_by_default():
    with Admission(8).reserve(1, Urgency(until_s=time.monotonic())):
        pass
