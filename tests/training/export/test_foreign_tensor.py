import pytest

from tests.foreign_graphs import NORMALISED
from training.export.foreign_input import ForeignInput
from training.export.foreign_tensor import ForeignTensor, choose, frame_size

FRAMES = ForeignTensor("data", "float32", (None, 3, 256, 128))
CAMERA = ForeignTensor("camera", "int64", (1,))


def size_of(shape, layout="NCHW", size=None):
    wanted = ForeignInput(layout, "RGB", **NORMALISED, size=size)
    return frame_size(ForeignTensor("data", "float32", shape), wanted)


def test_the_only_one_needs_no_name():
    assert choose([FRAMES], None, "input") is FRAMES
    assert choose([CAMERA, FRAMES], "data", "input") is FRAMES


@pytest.mark.parametrize(
    ("tensors", "wanted", "told"),
    [
        ([], None, "expected one input of the graph, received none; name the one that takes"),
        (
            [FRAMES, CAMERA],
            None,
            r"received 'data' float32 \[any, 3, 256, 128\]; 'camera' int64 \[1\]; name the one "
            "that takes frames with --input-name",
        ),
        ([FRAMES], "pixels", "expected an input 'pixels' of the graph, received 'data' .*give one"),
    ],
)
def test_what_there_is_to_choose_from_is_listed(tensors, wanted, told):
    with pytest.raises(ValueError, match=told):
        choose(tensors, wanted, "input")


def test_the_size_is_the_graphs_own_or_the_one_given():
    assert size_of((None, 3, 256, 128)) == (256, 128)
    assert size_of((1, 64, 32, 3), "NHWC") == (64, 32)
    assert size_of((None, 3, None, None), size=(64, 32)) == (64, 32)
    assert size_of((None, None, 64, 32)) == (64, 32)
    assert size_of(None, size=(64, 32)) == (64, 32)


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((1, 256, 128, 3), r"axis 1 for layout NCHW, received 'data' .*; say --input-layout NHWC"),
        ((1, 1, 256, 128), "received 'data' float32 .*; import a graph of RGB or BGR frames"),
        ((1, 16, 3, 256, 128), "expected an input of four axes with 3 channels on axis 1"),
        ((None, 3, None, 128), "expected a size of frames, .*say --size HEIGHTxWIDTH"),
        ((1, 3, 8, 8), "expected frames of 16 to 2048 pixels a side, received 8x8 of"),
        (None, "received 'data' float32 of unknown shape, which leaves it open"),
    ],
)
def test_another_shape_is_told(shape, told):
    with pytest.raises(ValueError, match=told):
        size_of(shape)
