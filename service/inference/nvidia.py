"""What NVIDIA's driver and TensorRT say of themselves, asked of their libraries."""

import ctypes
from ctypes import byref, c_int, create_string_buffer

from service.inference.graph import ProviderError

_DRIVER = "libcuda.so.1"
_TENSORRT = ("libnvinfer.so.11", "libnvinfer.so.10")
_NAME_BYTES = 256
_MAJOR, _MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of the driver's interface."""


def gpu_names() -> list[str]:
    """Name and compute capability of each GPU this process may use, in the runtimes' order.

    Raises:
        ProviderError: When there is no driver, or no GPU.
    """
    driver = _library(_DRIVER)
    if driver is None or driver.cuInit(0) != 0:
        raise ProviderError(
            f"expected NVIDIA's driver, received no {_DRIVER} that works; serve on a machine with "
            "a GPU and give the container access to it, or unset REID_INFERENCE_PROVIDER"
        )
    count = c_int(0)
    driver.cuDeviceGetCount(byref(count))
    if count.value < 1:
        raise ProviderError(
            "expected at least one GPU, received none; "
            "give the container access to one, or unset REID_INFERENCE_PROVIDER"
        )
    return [_gpu_name(driver, number) for number in range(count.value)]


def tensorrt_version() -> str:
    """For example `10.14.1`.

    Raises:
        ProviderError: When its library is not there.
    """
    for name in _TENSORRT:
        library = _library(name)
        if library is not None:
            number = int(library.getInferLibVersion())
            return f"{number // 10000}.{number // 100 % 100}.{number % 100}"
    raise ProviderError(
        f"expected TensorRT's library, received none of {', '.join(_TENSORRT)}; put the directory "
        "that holds it into LD_LIBRARY_PATH, or choose REID_INFERENCE_PROVIDER=cuda"
    )


def _gpu_name(driver: ctypes.CDLL, number: int) -> str:
    device = c_int(0)
    driver.cuDeviceGet(byref(device), number)
    name = create_string_buffer(_NAME_BYTES)
    driver.cuDeviceGetName(name, _NAME_BYTES, device)
    major, minor = c_int(0), c_int(0)
    driver.cuDeviceGetAttribute(byref(major), _MAJOR, device)
    driver.cuDeviceGetAttribute(byref(minor), _MINOR, device)
    return f"{name.value.decode('ascii', 'replace')} sm{major.value}{minor.value}"


def _library(name: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
