import pytest

from training.data.manifest_cells import is_seconds, label, nobody, numbering, seconds


def test_numbers_are_themselves_unless_a_name_is_among_them():
    assert numbering(["12", "007", "12"]) == {"007": 7, "12": 12}
    assert numbering(["12", "b", "007"]) == {"007": 1, "12": 2, "b": 3}
    assert numbering([]) == {}


def test_the_largest_number_is_the_last_that_is_one():
    assert label("2147483647", "identity") == "2147483647"
    with pytest.raises(ValueError, match="received 2147483648; write a letter before it"):
        label("2147483648", "identity")


def test_digits_of_other_scripts_are_names():
    assert numbering(["٣", "1"]) == {"1": 1, "٣": 2}


def test_words_and_numbers_of_nobody():
    assert [nobody(text) for text in ("junk", "JUNK", "-1")] == [-1] * 3
    assert [nobody(text) for text in ("distractor", "Distractor", "0", "0000")] == [0] * 4
    assert [nobody(text) for text in ("10", "junk-1", "-10", "anna")] == [None] * 4


def test_seconds_of_both_kinds():
    assert seconds("12.5") == 12.5
    assert seconds("1970-01-01T00:00:10.5+00:00") == 10.5
    assert is_seconds("12.5")
    assert not is_seconds("1970-01-02")
