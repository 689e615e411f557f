import pytest

from training.export.export_options import ExportOptions, parse_size


@pytest.mark.parametrize(
    ("text", "size"), [(None, None), ("256x128", (256, 128)), ("384×192", (384, 192))]
)
def test_a_size_is_rows_by_columns(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["256", "256x", "x128", "-256x128", "256x128x3", "31x16", "32x15",
                                  "4097x16", "32x4097", "99999x16", "a256x128", ""])  # fmt: skip
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="expected a size of frames as HxW, .* write 256x128 for"):
        parse_size(text)


def test_what_is_not_chosen_is_the_networks_own_size_and_half_the_file():
    assert ExportOptions() == ExportOptions(input_size=None, weights_storage="fp16")


def test_calibration_frames_belong_to_int8_alone(tmp_path):
    assert ExportOptions(precision="int8", calibration=tmp_path).calibration == tmp_path
    with pytest.raises(ValueError, match="expected calibration frames with precision int8 alone"):
        ExportOptions(precision="fp16", calibration=tmp_path)
