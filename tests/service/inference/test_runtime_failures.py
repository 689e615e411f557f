import subprocess
import sys

import pytest

from service.batching.backend import BackendLost, BackendOutOfMemory
from service.inference.runtime_failures import telling_apart

_CUDA = "[ONNXRuntimeError] : 1 : FAIL : CUDA failure {}: {} ; GPU=0 ; hostname=h ; expr=x"


def told(error):
    with pytest.raises(Exception) as caught, telling_apart():  # noqa: PT011 - which is the question
        raise error
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        _CUDA.format(700, "an illegal memory access was encountered"),
        _CUDA.format(719, "unspecified launch failure"),
        _CUDA.format(46, "all CUDA-capable devices are busy or unavailable"),
        _CUDA.format(214, "uncorrectable ECC error encountered"),
        _CUDA.format(710, "device-side assert triggered"),
        "CUDA error cudaErrorLaunchTimeout:702: the launch timed out and was terminated",
        "[TensorRT] Cuda Runtime (an illegal memory access was encountered)",
    ],
)
def test_device_that_is_broken_for_good(text):
    error = told(RuntimeError(text))

    assert type(error) is BackendLost
    assert str(error) == text
    assert str(error.__cause__) == text


@pytest.mark.parametrize(
    "text",
    [
        _CUDA.format(2, "out of memory"),
        "Failed to allocate memory for requested buffer of size 1234",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0",
        "std::bad_alloc",
    ],
)
def test_batch_that_was_too_large_for_the_memory(text):
    error = told(RuntimeError(text))

    assert type(error) is BackendOutOfMemory
    assert str(error) == text


def test_python_out_of_memory():
    assert type(told(MemoryError())) is BackendOutOfMemory


@pytest.mark.parametrize(
    "text",
    [
        "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid dimensions for input: frames",
        _CUDA.format(1, "invalid argument"),
        "index 700 is out of range",
        "node 46 of the graph failed",
    ],
)
def test_any_other_failure_stays_what_it_is(text):
    error = RuntimeError(text)

    assert told(error) is error


def test_real_lack_of_memory_is_recognised_and_passes(tmp_path):
    """A process that may hold little more than it does asks for a batch far above that."""
    script = f"""
import resource
import numpy as np
from pathlib import Path
from service.batching.backend import BackendOutOfMemory
from service.inference.onnx_backend import open_onnx_lanes
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import graph_of
directory = Path({str(tmp_path)!r})
lane = open_onnx_lanes(graph_of(directory, write_tiny_artifact(directory)), lanes=1, threads=1)[0]
lane.run(np.zeros((2, 64, 32, 3), np.uint8))
many = np.zeros((20_000, 64, 32, 3), np.uint8)
held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 50_000_000, resource.RLIM_INFINITY))
try:
    lane.run(many)
except BackendOutOfMemory:
    print(lane.run(many[:2]).shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout == "(2, 20)\n"
