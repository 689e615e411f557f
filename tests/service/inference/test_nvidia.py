"""The libraries are made up: neither driver nor TensorRT can be had without a GPU."""

import ctypes

import pytest

from service.inference import nvidia
from service.inference.graph import ProviderError
from service.inference.nvidia import gpu_names, tensorrt_version


class MadeUpDriver:
    """Two devices, as the driver's interface tells of them."""

    devices = ((b"Made Up 100", 9, 0), (b"Made Up 20", 8, 6))

    def __init__(self, *, status=0, devices=devices):
        self._status = status
        self._devices = devices

    def cuInit(self, flags):  # noqa: N802 - the driver's names
        return self._status

    def cuDeviceGetCount(self, count):  # noqa: N802
        count._obj.value = len(self._devices)

    def cuDeviceGet(self, device, number):  # noqa: N802
        device._obj.value = 10 + number

    def cuDeviceGetName(self, name, size, device):  # noqa: N802
        name.value = self._devices[device.value - 10][0]

    def cuDeviceGetAttribute(self, value, attribute, device):  # noqa: N802
        value._obj.value = self._devices[device.value - 10][{75: 1, 76: 2}[attribute]]


@pytest.fixture
def libraries(monkeypatch):
    """Those that load, by name."""
    there = {}

    def load(name):
        if name not in there:
            raise OSError(f"{name}: cannot open shared object file")
        return there[name]

    monkeypatch.setattr(ctypes, "CDLL", load)
    return there


def test_name_and_capability_of_each_gpu_in_order(libraries):
    libraries["libcuda.so.1"] = MadeUpDriver()
    assert gpu_names() == ["Made Up 100 sm90", "Made Up 20 sm86"]


@pytest.mark.parametrize("driver", [None, MadeUpDriver(status=100)])
def test_no_driver(libraries, driver):
    if driver is not None:
        libraries["libcuda.so.1"] = driver
    with pytest.raises(ProviderError) as refused:
        gpu_names()
    assert str(refused.value) == (
        "expected NVIDIA's driver, received no libcuda.so.1 that works; serve on a machine with "
        "a GPU and give the container access to it, or unset REID_INFERENCE_PROVIDER"
    )


def test_driver_without_a_gpu(libraries):
    libraries["libcuda.so.1"] = MadeUpDriver(devices=())
    with pytest.raises(ProviderError) as refused:
        gpu_names()
    assert str(refused.value) == (
        "expected at least one GPU, received none; "
        "give the container access to one, or unset REID_INFERENCE_PROVIDER"
    )


class MadeUpTensorrt:
    def __init__(self, number):
        self._number = number

    def getInferLibVersion(self):  # noqa: N802 - the library's name
        return self._number


@pytest.mark.parametrize(
    ("name", "number", "version"),
    [("libnvinfer.so.10", 101401, "10.14.1"), ("libnvinfer.so.11", 110000, "11.0.0")],
)
def test_version_of_tensorrt(libraries, name, number, version):
    libraries[name] = MadeUpTensorrt(number)
    assert tensorrt_version() == version


def test_no_tensorrt(libraries):
    with pytest.raises(ProviderError) as refused:
        tensorrt_version()
    assert str(refused.value) == (
        "expected TensorRT's library, received none of libnvinfer.so.11, libnvinfer.so.10; put "
        "the directory that holds it into LD_LIBRARY_PATH, or choose REID_INFERENCE_PROVIDER=cuda"
    )


def test_a_library_that_is_not_there_is_none():
    assert nvidia._library("libnowhere.so.0") is None
