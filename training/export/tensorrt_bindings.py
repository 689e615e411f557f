"""The part of TensorRT's Python bindings that is used, as versions 10 and 11 both have it.

The bindings exist only beside their libraries, so their types are written down here; a test holds
every name and argument against the signatures of both versions.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Protocol, SupportsInt, cast

OLDEST_MAJOR = 10


class TensorrtError(ValueError):
    """An engine cannot be built or does not compute what its graph does; nothing was kept."""


class ILogger(Protocol):
    """Writes what TensorRT has to say to stderr."""


class IHostMemory(Protocol):
    """Bytes that TensorRT made."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """As they are."""


class ITensor(Protocol):
    """An input or output."""

    @property
    def name(self) -> str:
        """In the graph."""


class INetworkDefinition(Protocol):
    """A graph as TensorRT reads it."""

    @property
    def num_inputs(self) -> int:
        """How many."""

    def get_input(self, index: int) -> ITensor:
        """One of them."""


class ParserError(Protocol):
    """Why a graph was not read."""

    def desc(self) -> str:
        """In words."""


class IOnnxParser(Protocol):
    """Reads ONNX into a network."""

    @property
    def num_errors(self) -> int:
        """Of the last `parse`."""

    def parse(self, model: bytes) -> bool:
        """Whether the whole graph was read."""

    def get_error(self, index: int) -> ParserError:
        """One of them."""


class IOptimizationProfile(Protocol):
    """The shapes that an engine is built for."""

    def set_shape(
        self,
        input: str,  # noqa: A002
        min: tuple[int, ...],  # noqa: A002
        opt: tuple[int, ...],
        max: tuple[int, ...],  # noqa: A002
    ) -> None:
        """Of one input."""


class ITimingCache(Protocol):
    """How long kernels took on this GPU, by which later builds choose faster."""

    def serialize(self) -> IHostMemory:
        """For a file."""


class IBuilderConfig(Protocol):
    """How an engine is built."""

    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        """Its number; negative when it is not valid."""

    def set_memory_pool_limit(self, pool: object, pool_size: int) -> None:
        """Bytes that a pool may hold."""

    def clear_flag(self, flag: object) -> None:
        """Turn off."""

    def create_timing_cache(self, serialized_timing_cache: bytes) -> ITimingCache:
        """From a file; an empty one from no bytes."""

    def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:  # noqa: FBT001
        """Whether it is of this GPU and this version."""

    def get_timing_cache(self) -> ITimingCache:
        """With what the build added."""


class IBuilder(Protocol):
    """Makes engines."""

    def create_network(self, flags: int = 0) -> INetworkDefinition:
        """An empty one."""

    def create_builder_config(self) -> IBuilderConfig:
        """With its defaults."""

    def create_optimization_profile(self) -> IOptimizationProfile:
        """Without shapes."""

    def build_serialized_network(
        self, network: INetworkDefinition, config: IBuilderConfig
    ) -> IHostMemory | None:
        """The engine; nothing when it cannot be built, and the logger has said why."""


class IExecutionContext(Protocol):
    """One run of an engine at a time."""

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        """Whether the profile allows it."""

    def execute_v2(self, bindings: Sequence[int]) -> bool:
        """Run on memory at these addresses, in the order of the tensors, and wait."""


class ICudaEngine(Protocol):
    """An engine on the device."""

    @property
    def num_io_tensors(self) -> int:
        """Inputs and outputs."""

    def get_tensor_name(self, index: int) -> str:
        """In the order of bindings."""

    def create_execution_context(self) -> IExecutionContext | None:
        """Nothing when the device has too little memory."""


class IRuntime(Protocol):
    """Loads engines."""

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
        """Nothing when the bytes are no engine for this GPU and version."""


class LoggerClass(Protocol):
    """Makes loggers."""

    ERROR: object

    def __call__(self, min_severity: object) -> ILogger:
        """One that says what is at least so severe."""


class MemoryPoolType(Protocol):
    """What a builder needs memory for."""

    WORKSPACE: object


class BuilderFlag(Protocol):
    """What a builder may do."""

    TF32: object


class NetworkDefinitionCreationFlag(Protocol):
    """What a network is."""

    STRONGLY_TYPED: SupportsInt


class Tensorrt(Protocol):
    """The module."""

    __version__: str
    Logger: LoggerClass
    MemoryPoolType: MemoryPoolType
    BuilderFlag: BuilderFlag
    NetworkDefinitionCreationFlag: NetworkDefinitionCreationFlag
    Builder: Callable[[ILogger], IBuilder]
    OnnxParser: Callable[[INetworkDefinition, ILogger], IOnnxParser]
    Runtime: Callable[[ILogger], IRuntime]


def open_tensorrt() -> Tensorrt:
    """Import the bindings.

    Raises:
        TensorrtError: When they are absent, do not find their libraries, or are too old.
    """
    try:
        bindings = cast("Tensorrt", import_module("tensorrt"))
    except (ImportError, OSError) as error:
        raise TensorrtError(
            f"expected TensorRT's Python bindings, received none: {error}; install `tensorrt` on a "
            "machine with an NVIDIA GPU"
        ) from error
    if major_version(bindings) < OLDEST_MAJOR:
        raise TensorrtError(
            f"expected TensorRT {OLDEST_MAJOR} or newer, received {bindings.__version__}; "
            "install a newer `tensorrt`"
        )
    return bindings


def major_version(bindings: Tensorrt) -> int:
    """10 of `10.13.0.35`."""
    return int(bindings.__version__.split(".")[0])


def library_version(bindings: Tensorrt) -> str:
    """`10.13.0` of `10.13.0.35`: as the library says of itself."""
    return ".".join(bindings.__version__.split(".")[:3])
