from dataclasses import replace
from pathlib import Path

import pytest

from training.export.engine_key import EngineKey, parsed_batch_sizes, require_batch_sizes

KEY = EngineKey("a" * 64, "Made Up 9 sm90", "trt10.13.0", "fp16", (2, 4, 8))


def test_the_folder_differs_where_any_ingredient_does():
    others = [
        replace(KEY, graph_sha256="b" * 64),
        replace(KEY, gpu="Made Up 9 sm86"),
        replace(KEY, gpu="Made Up 8 sm90"),
        replace(KEY, runtime="trt10.13.1"),
        replace(KEY, precision="bf16"),
        replace(KEY, batch_sizes=(2, 8)),
    ]
    folders = {key.folder(Path("engines")) for key in [KEY, *others]}
    assert len(folders) == 7
    # Beyond what can be read: the digest holds all of it.
    assert len({folder.name.rsplit("-", 1)[1] for folder in folders}) == 7


def test_the_folder_can_be_read():
    name = KEY.folder(Path("engines")).name
    assert name.startswith(f"{'a' * 12}-Made-Up-9-sm90-trt10.13.0-fp16-")


@pytest.mark.parametrize("sizes", [(), (0, 1), (4, 2), (2, 2)])
def test_sizes_that_do_not_ascend_are_refused(sizes):
    with pytest.raises(ValueError, match="expected") as told:
        require_batch_sizes(sizes)
    assert str(told.value) == (
        f"expected ascending batch sizes of 1 or more, received {list(sizes)}; "
        "list each once, the smallest first: --batches 8,16,32"
    )


def test_sizes_as_text():
    assert parsed_batch_sizes("8,16") == require_batch_sizes((8, 16)) == (8, 16)
    assert parsed_batch_sizes("") == ()
    with pytest.raises(ValueError, match="expected") as told:
        parsed_batch_sizes("8;16")
    assert str(told.value) == (
        "expected batch sizes as --batches 8,16,32, received '8;16'; "
        "separate whole numbers by commas"
    )
