import pytest
import torch

from training.device import choose_device


def test_the_processor_is_always_there():
    assert choose_device("cpu") == torch.device("cpu")


def test_auto_is_what_there_is():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert choose_device("auto").type == expected


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_gpu_is_said():
    with pytest.raises(ValueError, match="expected a CUDA device, received none; set device to"):
        choose_device("cuda")


@pytest.mark.gpu
def test_a_gpu_is_taken():
    assert choose_device("cuda").type == "cuda"
