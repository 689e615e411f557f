"""Who asks, and to what purpose: text that can be kept, or a refusal."""

import pytest

from service.api.caller import MOST_PURPOSE_CHARACTERS, checked_purpose
from service.errors import InvalidInput


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("lost child", "lost child"),
        ("  case 17 ", "case 17"),
        ("für Ermittlung".encode().decode("latin-1"), "für Ermittlung"),
        ("für", "für"),
        ("x" * MOST_PURPOSE_CHARACTERS, "x" * MOST_PURPOSE_CHARACTERS),
    ],
)
def test_a_purpose_is_kept_as_the_text_that_was_meant(sent, kept):
    assert checked_purpose(sent) == kept


@pytest.mark.parametrize("sent", ["", "   ", "x" * (MOST_PURPOSE_CHARACTERS + 1), "a\tb", "a\x00b"])
def test_what_is_no_purpose_is_refused(sent):
    with pytest.raises(InvalidInput, match="expected `X-Purpose` of 1 to 200 printable characters"):
        checked_purpose(sent)
