import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from model.backbones.weight_file import read_tensor_groups


@pytest.fixture
def tensors():
    return {"conv.weight": torch.randn(2, 3), "conv.bias": torch.randn(2)}


def assert_same(group, tensors):
    assert list(group.tensors) == list(tensors)
    for name, value in tensors.items():
        torch.testing.assert_close(group.tensors[name], value, atol=0, rtol=0)


def test_safetensors_and_torch_files_give_back_what_was_saved(tmp_path, tensors):
    save_file(tensors, tmp_path / "a.safetensors")
    torch.save(tensors, tmp_path / "a.pth")
    torch.save(tensors, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for name in ("a.pth", "old.pth"):
        (group,) = read_tensor_groups(tmp_path / name)
        assert group.place == ""
        assert_same(group, tensors)
    (group,) = read_tensor_groups(tmp_path / "a.safetensors")
    assert_same(group, {name: tensors[name] for name in group.tensors})
    assert group.tensors.keys() == tensors.keys()


def test_every_mapping_of_tensors_is_found_with_the_keys_that_lead_to_it(tmp_path, tensors):
    path = tmp_path / "training.pth"
    state = {0: {"momentum": torch.ones(1)}}
    content = {"epoch": 3, "optimizer": {"state": state}, "nets": {"student": tensors}}
    torch.save({**content, "teacher": tensors, "mean": torch.zeros(1)}, path)
    groups = read_tensor_groups(path)
    assert [group.place for group in groups] == ["", "nets.student", "teacher"]
    assert_same(groups[0], {"mean": torch.zeros(1)})
    assert_same(groups[1], tensors)


class Intruder:
    def __reduce__(self):
        return os.mkdir, ("intruded",)


@pytest.mark.parametrize("writer", [torch.save, lambda content, path: path.write_bytes(content)])
def test_a_file_that_would_run_code_is_refused_and_does_not_run(
    tmp_path, monkeypatch, tensors, writer
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pth"
    content = {"state_dict": tensors, "args": Intruder()}
    writer(content if writer is torch.save else pickle.dumps(content, protocol=2), path)
    with pytest.raises(
        ValueError,
        match=r"expected a file of plain tensors at .*weights.pth, received one that torch cannot "
        r"read .*other content is refused, because loading it can run code: where you trust",
    ) as refusal:
        read_tensor_groups(path)
    assert not (tmp_path / "intruded").exists()
    if writer is torch.save:
        assert "(it asks for posix.mkdir)" in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"no weights", pickle.dumps({"a": 1})])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"expected a file of plain tensors at .*weights\.pth"):
        read_tensor_groups(path)


def test_a_torch_file_under_the_suffix_of_safetensors_is_refused(tmp_path, tensors):
    path = tmp_path / "weights.safetensors"
    torch.save(tensors, path)
    with pytest.raises(ValueError, match=r"expected a file of safetensors at .*another suffix"):
        read_tensor_groups(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.pth", r"expected a file of weights at .*missing\.pth, received: .*No such file"),
        ("missing.safetensors", r"expected a file of safetensors at .*correct the path"),
    ],
)
def test_a_missing_file_is_named(tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        read_tensor_groups(tmp_path / name)


@pytest.mark.parametrize("content", [{"epoch": 3}, [torch.ones(1)], torch.ones(1)])
def test_a_file_without_named_tensors_is_refused(tmp_path, content):
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with pytest.raises(ValueError, match=r"expected tensors by name in .*received none; save the"):
        read_tensor_groups(path)
