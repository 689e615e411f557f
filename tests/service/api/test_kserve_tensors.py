import json
import struct

import numpy as np
import pytest

from service.api.kserve_tensors import read_infer, split_body
from service.errors import BodyTooLarge, MalformedRequest, ReidError
from tests.drawn_pixels import drawn_pixels

PIXELS = drawn_pixels(2, height=4, width=2)
SHAPE = list(PIXELS.shape)
LISTED = PIXELS.tolist()


def one_input(**more) -> dict[str, object]:
    return {"name": "frames", "datatype": "UINT8", "shape": SHAPE, **more}


def files_input(count: int, **more) -> dict[str, object]:
    return {"name": "files", "datatype": "BYTES", "shape": [count], **more}


def read(tensor: dict[str, object], tail: bytes = b""):
    return read_infer(json.dumps({"inputs": [tensor]}).encode(), tail, most_frames=9)[1]


def sized(tail: bytes) -> dict[str, object]:
    return {"parameters": {"binary_data_size": len(tail)}}


def test_pixels_are_what_was_sent():
    for source in (
        read(one_input(data=LISTED)),
        read(one_input(data=PIXELS.ravel().tolist())),
        read(one_input(**sized(PIXELS.tobytes())), PIXELS.tobytes()),
    ):
        assert source.pixels.dtype == np.uint8
        np.testing.assert_array_equal(source.pixels, PIXELS)


def test_files_are_what_was_sent():
    tail = b"".join(struct.pack("<I", len(one)) + one for one in (b"one", b"", b"three"))
    assert read(files_input(3, **sized(tail)), tail).files == (b"one", b"", b"three")
    assert read(files_input(2, data=["YQ==", "data:image/png;base64,Yg=="])).files == (b"a", b"b")


def test_a_body_is_cut_where_its_header_says():
    assert split_body(b"{}tail", None) == (b"{}tail", b"")
    assert split_body(b"{}tail", "2") == (b"{}", b"tail")
    assert split_body(b"{}", "2") == (b"{}", b"")


@pytest.mark.parametrize("length", ["7", "-1", "x", "", "1.5", "²", "1" * 40])
def test_a_header_that_is_no_length_of_the_body_is_refused(length):
    with pytest.raises(MalformedRequest) as caught:
        split_body(b"{}tail", length)
    assert str(caught.value) == (
        "expected Inference-Header-Content-Length of 0 to 6, the body's length, "
        f"received {length!r}; say how many bytes of the body are JSON"
    )


def test_a_header_of_more_digits_than_python_reads_is_refused():
    with pytest.raises(MalformedRequest, match="Content-Length of 0 to 6, the body's length"):
        split_body(b"{}tail", "9" * 5000)


def test_more_pixels_in_json_than_can_be_read_meanwhile_are_refused_unread():
    json = b'{"inputs":[{"data":[%s0]}]}' % (b"0," * 2**21)
    with pytest.raises(BodyTooLarge, match="expected JSON of at most 2097152 values, received"):
        read_infer(json, b"", most_frames=4)


SIX = struct.pack("<I", 6) + b"sixsix"

REFUSED = [
    (one_input(datatype="BYTES", data=[]), b"", "`frames` to be UINT8", "BYTES"),
    (files_input(1, datatype="UINT8", data=[]), b"", "`files` to be BYTES", "UINT8"),
    (one_input(shape=[2, 4, 6], data=[]), b"", "`frames` of shape [t, h, w, 3]", "[2, 4, 6]"),
    (one_input(shape=[2, 4, 2, 4], data=[]), b"", "`frames` of shape", "[2, 4, 2, 4]"),
    (one_input(shape=[0, 4, 2, 3], data=[]), b"", "each length 1 or more", "[0, 4, 2, 3]"),
    (one_input(shape=[-2, -4, 2, 3], data=[]), b"", "each length 1 or more", "[-2, -4, 2, 3]"),
    (one_input(shape=[10, 4, 2, 3], data=[]), b"", "at most 9 frames", "10"),
    (files_input(10, data=[]), b"", "at most 9 frames", "10"),
    (one_input(), b"", "exactly one of `data` and `binary_data_size`", "both or neither"),
    (one_input(data=LISTED, **sized(b"")), b"", "exactly one of `data`", "both or neither"),
    (one_input(data=LISTED), b"more", "0 bytes behind the JSON", "4"),
    (one_input(**sized(b"abcd")), b"abc", "4 bytes behind the JSON", "3"),
    (one_input(**sized(b"abcd")), b"abcd", "`frames` to have 48 values", "4 bytes"),
    (one_input(data=LISTED[:1]), b"", "`frames` to have 48 values", "24 of shape [1, 4, 2, 3]"),
    (one_input(data=[[1] * 48]), b"", "`frames` to have 48 values", "48 of shape [1, 48]"),
    (one_input(data=[[1], [1, 2]]), b"", "whole numbers of 0 to 255", "others"),
    (one_input(data=[1] * 47 + [256]), b"", "whole numbers of 0 to 255", "others"),
    (one_input(data=[1] * 47 + [-1]), b"", "whole numbers of 0 to 255", "others"),
    (one_input(data=[1] * 47 + [0.5]), b"", "whole numbers of 0 to 255", "others"),
    (one_input(data=[1] * 47 + [10**30]), b"", "whole numbers of 0 to 255", "others"),
    (one_input(data=[True] * 48), b"", "whole numbers of 0 to 255", "others"),
    (one_input(data=["1"] * 48), b"", "whole numbers of 0 to 255", "others"),
    (one_input(data={"a": 1}), b"", "`inputs.0.data` to be a list", "an object with 1 keys"),
    (files_input(1, **sized(SIX[:3])), SIX[:3], "whole lengths before the files", "3 bytes"),
    (files_input(1, **sized(SIX[:9])), SIX[:9], "6 bytes of a file", "5"),
    (files_input(2, **sized(SIX)), SIX, "2 files, as the shape says", "1"),
    (files_input(1, **sized(SIX * 3)), SIX * 3, "1 files, as the shape says", "2"),
    (files_input(2, data=["YQ=="]), b"", "`data` of files to be 2 texts", "1 texts of 1 values"),
    (files_input(1, data=["YQ==", 3]), b"", "to be 1 texts", "1 texts of 2 values"),
    (files_input(1, data=["???"]), b"", "`files[0]` to be base64", "text that is not base64"),
    (one_input(name="images", data=[]), b"", "'frames' or 'files'", "'images'"),
]


@pytest.mark.parametrize(("tensor", "tail", "expected", "received"), REFUSED)
def test_a_tensor_that_is_not_what_it_says_is_refused(tensor, tail, expected, received):
    with pytest.raises(ReidError) as caught:
        read(tensor, tail)
    assert expected in caught.value.expected
    assert received in caught.value.received
    assert caught.value.status == 422
