import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.timestamps import query_seconds, unix_seconds


@given(st.datetimes(timezones=st.timezones()))
def test_iso_8601_and_unix_seconds_mean_the_same_moment(moment):
    assert unix_seconds(moment.isoformat()) == moment.timestamp()
    assert unix_seconds(moment.timestamp()) == moment.timestamp()
    assert query_seconds(repr(moment.timestamp())) == moment.timestamp()


def test_utc_may_be_written_as_z():
    assert unix_seconds("1970-01-01T00:01:00Z") == 60.0


def test_a_naive_time_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"its offset: append Z for UTC, or an offset"):
        unix_seconds("2026-01-31T12:00:00")


@pytest.mark.parametrize("wrong", [True, None, [], "yesterday", "", 10**400])
def test_anything_else_is_refused_with_what_is_accepted(wrong):
    with pytest.raises(ValueError, match=r"ISO 8601 with an offset, as .*, or Unix seconds"):
        unix_seconds(wrong)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_time_must_be_finite(wrong):
    with pytest.raises(ValueError, match="finite"):
        unix_seconds(wrong)
    with pytest.raises(ValueError, match="finite"):
        query_seconds(str(wrong))


def test_a_plus_lost_in_a_url_is_explained():
    with pytest.raises(ValueError, match=r"write \+ as %2B"):
        query_seconds("2026-01-31T12:00:00 02:00")


def test_digits_are_seconds_in_a_url_and_not_in_json():
    assert query_seconds("60") == 60.0
    with pytest.raises(ValueError, match="ISO 8601"):
        unix_seconds("60")


@pytest.mark.parametrize("wrong", [1e308, -1e308, 1_767_225_600_000, -62_135_596_801])
def test_a_number_that_is_no_moment_of_iso_8601_is_refused(wrong):
    with pytest.raises(ValueError, match="in the years 1 to 9999: ISO 8601"):
        unix_seconds(wrong)
    with pytest.raises(ValueError, match="in the years 1 to 9999: ISO 8601"):
        query_seconds(str(wrong))
