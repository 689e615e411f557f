import pytest

from training.data.list_file import Line, from_one, read_list, whole_number


def read(folder, content, fields="path identity", **options):
    path = folder / "list.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_list(path, fields=fields, **options)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n\n  \n"])
def test_lines_in_the_order_of_the_file_however_they_end(end, last, tmp_path):
    lines = read(tmp_path, f"b 2{end}a\t1{last}")
    assert lines == [Line(1, ("b", "2")), Line(2, ("a", "1"))]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected lines in .*, received an empty file; restore it from the archive"),
        (b"\xff\xfe", "expected text in .*, received bytes that are none; restore it"),
        ("a 1\nb\nc 3 4\n", "path identity in every line of .*, received 'b' in line 2, 3; rest"),
        ("a 1\n\nb 2\n", "path identity in every line of .*, received '' in line 2; restore"),
        ("x\n" * 8, "received 'x' in line 1, 2, 3, 4, 5 and 3 more; restore"),
        ("a 1\nb 2\na 3\n", "every path once in the lines of .*, received 'a 3' in line 3; rest"),
    ],
)
def test_lists_that_are_broken_say_where(content, message, tmp_path):
    with pytest.raises(ValueError, match=message) as refusal:
        read(tmp_path, content)
    assert refusal.value.paths == (tmp_path / "list.txt",)


def test_repeats_may_be_allowed(tmp_path):
    assert len(read(tmp_path, "a 1\na 1\n", unique=False)) == 2


def test_a_missing_list(tmp_path):
    with pytest.raises(ValueError, match=r"expected the list .*x.txt, received no such file; rest"):
        read_list(tmp_path / "x.txt", fields="path")


def test_numbers_as_matlab_and_numpy_write_them():
    texts = ("103", "1.030000000000000000e+02", "-1", "1.5", "x", "nan", "inf", "1e400")
    assert [whole_number(text) for text in texts] == [103, 103, -1, None, None, None, None, None]


def test_people_counted_from_0_are_counted_from_1():
    assert [from_one(identity, {0, 4}) for identity in (0, 4, -1)] == [1, 5, -1]
    assert [from_one(identity, {1, 4}) for identity in (1, 4)] == [1, 4]
