import re

import pytest

from service import errors
from service.errors import ReidError
from tests.error_tree import ELSEWHERE, every_error

ALL = every_error()


def test_the_message_says_expected_received_and_remedy():
    error = ReidError(expected="a", received="b", remedy="c", retry_after_s=3)
    assert str(error) == "expected a, received b; c"
    assert error.retry_after_s == 3


def test_the_module_opens_with_the_tree_of_all_errors_with_status_and_code():
    tree = re.findall(r"(?:[│├└─ ]*)(\w+)\s+(\d{3})\s*(\w*)", errors.__doc__ or "")
    documented = {name: (int(status), code) for name, status, code in tree}
    for error in ALL[1:]:
        assert documented[error.__name__] == (error.status, error.code), error.__name__
    assert len(documented) == len(ALL)


def test_errors_that_are_defined_elsewhere_are_among_them():
    assert set(ELSEWHERE) <= set(ALL)


@pytest.mark.parametrize("error", ALL[1:])
def test_every_error_has_its_own_code(error):
    assert [other for other in ALL if other.code == error.code] == [error]
