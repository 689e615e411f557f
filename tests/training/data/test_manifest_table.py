"""Tables as they come: from spreadsheets, from data frames, and broken."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.manifest_files import HEADER
from training.data.manifest_table import read_manifest_table

ROW = "a,5,1,t,train"


def table_of(folder, content, name="manifest.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_manifest_table(path)


def parquet_of(folder, **columns):
    filled = {
        "frame": ["a"],
        "identity": ["x"],
        "camera": [""],
        "tracklet": ["t"],
        "split": ["train"],
    }
    path = folder / "manifest.parquet"
    parquet.write_table(pa.table({**filled, **columns}), path)
    return read_manifest_table(path)


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_add_is_taken_off(start, end, tmp_path):
    table = table_of(tmp_path, start + HEADER + end + '"a, b/1.jpg", 007 ,,t,train' + end)
    cells = {name: list(column) for name, column in table.columns.items()}
    assert cells == {
        "frame": ["a, b/1.jpg"],
        "identity": ["007"],
        "camera": [""],
        "tracklet": ["t"],
        "split": ["train"],
    }
    assert (len(table), table.first_row) == (1, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"split and perhaps timestamp and outfit in .*, received no header line; write one"),
        (HEADER + "\n", "expected a row per frame in .*, received a header alone; add the frames"),
        (HEADER.replace(",", ";"), "expected commas .*, received semicolons; save it as CSV with"),
        ("\ufeff" + HEADER.replace(",", ";"), "expected commas .*, received semicolons; save it"),
        (HEADER.replace(",", "\t"), "expected commas between the columns of .*, received tabs"),
        (f"{HEADER}\n{ROW}\0\n", "expected UTF-8 text in .*, received NUL bytes; save it as CSV"),
        (f"{HEADER}\n{ROW}".encode("utf-16"), "expected UTF-8 text in .*, received NUL bytes"),
        (
            f"{HEADER}\nmüller,5,1,t,train".encode("latin-1"),
            "expected UTF-8 text in .*, received the byte 0xfc in line 2; save it as CSV in the",
        ),
        (f"{HEADER}\n{ROW}\nb,5\n{ROW},9,9\n", "expected 5 columns in every row of .*, received 2"),
        (f"{HEADER}\n{ROW}\nb,5\n{ROW},9,9\n", "in row 3, 4; quote cells with a comma in them"),
        (f"frame,identity,camera,tracklet\n{ROW[:-6]}", "received no column 'split'; rename or"),
        (f"{HEADER},time\n{ROW},1", r"the unknown column 'time' \(did you mean 'timestamp'\?\)"),
        (f"{HEADER},Outfit\n{ROW},1", r"the unknown column 'Outfit' \(did you mean 'outfit'\?\)"),
        (f"{HEADER},xyzzy\n{ROW},1", "received the unknown column 'xyzzy'; rename or remove"),
        (f"{HEADER},frame\n{ROW},1", "received the column 'frame' 2 times; rename or remove"),
    ],
)
def test_files_that_are_no_manifest_say_why(content, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        table_of(tmp_path, content)


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"ends in .csv or .parquet, received 'm.xlsx'; rename it"):
        table_of(tmp_path, HEADER, "m.xlsx")


def test_many_ragged_rows_are_a_few_and_a_count(tmp_path):
    with pytest.raises(ValueError, match="received 1 in row 2, 3, 4, 5, 6 and 3 more; quote"):
        table_of(tmp_path, HEADER + "\n" + "x\n" * 8)


def test_cells_of_data_frames_are_the_text_a_person_would_write(tmp_path):
    table = parquet_of(
        tmp_path,
        frame=["a", "b", "c"],
        identity=[7, 8, 9],
        camera=[1.0, None, float("nan")],
        tracklet=pa.array(["t", "u", "t"]).dictionary_encode(),
        split=[" train", "train", "train"],
        timestamp=[datetime(2026, 1, 31, 8, tzinfo=UTC), None, None],
    )
    assert list(table.columns["identity"]) == ["7", "8", "9"]
    assert list(table.columns["camera"]) == ["1", "", ""]
    assert list(table.columns["tracklet"]) == ["t", "u", "t"]
    assert list(table.columns["split"]) == ["train"] * 3
    assert list(table.columns["timestamp"]) == ["2026-01-31T08:00:00+00:00", "", ""]
    assert table.first_row == 1


def test_numbers_and_days_as_timestamps(tmp_path):
    assert list(parquet_of(tmp_path, timestamp=[12.5]).columns["timestamp"]) == ["12.5"]
    days = parquet_of(tmp_path, timestamp=[date(2026, 1, 31)])
    assert list(days.columns["timestamp"]) == ["2026-01-31"]


@pytest.mark.parametrize("value", [True, b"x", ["x"]])
def test_cells_of_other_types_are_refused(value, tmp_path):
    message = f"numbers or times in column 'identity' of .*, received {type(value).__name__}: "
    with pytest.raises(ValueError, match=message):
        parquet_of(tmp_path, identity=[value])


def test_a_broken_parquet_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a Parquet table at .*, received a file that"):
        table_of(tmp_path, b"PAR1 not really", "manifest.parquet")
