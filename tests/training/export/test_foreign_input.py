import numpy as np
import pytest

from training.export.foreign_input import ForeignInput, height_and_width, three_numbers

PLAIN = {"layout": "NHWC", "colour": "RGB", "scale": 1.0, "mean": (0, 0, 0), "std": (1, 1, 1)}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"scale": 0.0}, "expected a scale of 1e-06 to 1e\\+06, received 0.0; give 255"),
        ({"scale": float("nan")}, "expected a scale of .*, received nan"),
        ({"scale": 1e300}, "expected a scale of .*, received 1e\\+300"),
        (
            {"std": (1, 0, 1)},
            r"deviations of 1e-06 to 1e\+06, received \[1, 0, 1\]; give 1,1,1",
        ),
        ({"std": (1, 1, 1e-300)}, r"deviations of .*, received \[1, 1, 1e-300\]"),
        (
            {"mean": (0, float("inf"), 0)},
            r"three means of -1e\+06 to 1e\+06, received \[0, inf, 0\]; give 0,0,0",
        ),
    ],
)
def test_numbers_that_lose_the_pixels_are_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        ForeignInput(**PLAIN | changes)


def test_product_and_sum_are_the_definition():
    wanted = ForeignInput(**PLAIN | {"scale": 255.0, "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.6, 2)})
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    by_definition = wanted.values(pixels)
    np.testing.assert_allclose(pixels * wanted.factor + wanted.offset, by_definition, atol=1e-6)
    assert not wanted.leaves_pixels_alone
    assert ForeignInput(**PLAIN).leaves_pixels_alone


def test_values_in_the_graphs_layout_and_colours():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 3, 3), dtype=np.uint8)
    wanted = ForeignInput(**PLAIN | {"layout": "NCHW", "colour": "BGR"})
    np.testing.assert_array_equal(wanted.values(pixels)[:, 0], pixels[..., 2])


def test_numbers_and_sizes_as_they_are_typed():
    assert three_numbers("0.1, 0.2,0.3", "--mean") == (0.1, 0.2, 0.3)
    assert three_numbers("2", "--std") == (2, 2, 2)
    assert height_and_width("256x128") == (256, 128)


@pytest.mark.parametrize("text", ["1,2", "1,2,3,4", "a,b,c", ""])
def test_another_count_of_numbers_is_refused(text):
    with pytest.raises(ValueError, match=f"three numbers for --mean.*received {text!r}; give one"):
        three_numbers(text, "--mean")


@pytest.mark.parametrize("text", ["256", "0x128", "256x", "-1x5", "axb"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="expected height and width for --size.*give the height"):
        height_and_width(text)
