"""Which failures of a runtime pass, which ask for less at a time, and which are for good.

The runtimes raise one class for everything, so that their words have to be read.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from service.batching.backend import BackendLost, BackendOutOfMemory

_OUT_OF_MEMORY = re.compile(
    r"bad_alloc|out of memory|failed to allocate|cudaErrorMemoryAllocation|OutOfMemory"
    r"|(CUBLAS|CUDNN)_STATUS_ALLOC_FAILED",
    re.IGNORECASE,
)

# Of CUDA's errors those whose description says that the process must be started again
# (cudaError_t in the reference of the CUDA runtime): devices unavailable, uncorrectable ECC and
# NVLink, an illegal address, a launch timeout, a destroyed context, a device-side assert, and
# faults 714 to 721 of a kernel; 999 is the driver's own loss of its bearings.
_FOR_GOOD = re.compile(
    r"CUDA(?: failure| error| runtime error)?[ :(]*(?:cudaError\w+:)?"
    r"(46|214|220|700|702|709|710|71[4-9]|72[01]|999)\b"
    r"|cudaError(DevicesUnavailable|ECCUncorrectable|NvlinkUncorrectable|IllegalAddress"
    r"|LaunchTimeout|ContextIsDestroyed|Assert|HardwareStackError|IllegalInstruction"
    r"|MisalignedAddress|InvalidAddressSpace|InvalidPc|LaunchFailure)"
    r"|illegal memory access|device-side assert|unspecified launch failure|device lost",
    re.IGNORECASE,
)


@contextmanager
def telling_apart() -> Iterator[None]:
    """Let a failure of the runtime leave as what batching can act on.

    Raises:
        BackendLost: When the device is broken for good.
        BackendOutOfMemory: When it had no memory for so many items.
    """
    try:
        yield
    except MemoryError as error:
        raise BackendOutOfMemory(str(error) or "no memory") from error
    except Exception as error:
        said = str(error)
        if _FOR_GOOD.search(said):
            raise BackendLost(said) from error
        if _OUT_OF_MEMORY.search(said):
            raise BackendOutOfMemory(said) from error
        raise
