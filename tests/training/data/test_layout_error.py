from pathlib import Path

from training.data.layout_error import LayoutError, first_of


def test_the_message_is_one_sentence_and_the_paths_are_sorted():
    error = LayoutError("a", "b", "do c", paths=[Path("z"), Path("y")])
    assert str(error) == "expected a, received b; do c"
    assert error.paths == (Path("y"), Path("z"))
    assert error.remedy == "do c"


def test_many_paths_are_one_name_and_a_number():
    assert first_of([Path("a/one")]) == "'one'"
    assert first_of([Path("b"), Path("a/one"), Path("c")]) == "'one' and 2 more"
