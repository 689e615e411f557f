"""ONNX → a TensorRT engine, in bytes: one profile, one strongly typed network, kept timings."""

import math
from dataclasses import dataclass
from pathlib import Path

from model.durable_file import durable_file
from training.export.engine_key import EnginePrecision
from training.export.tensorrt_bindings import (
    IBuilder,
    IBuilderConfig,
    ILogger,
    INetworkDefinition,
    Tensorrt,
    TensorrtError,
    major_version,
)

# Later versions type every network strongly, and tell that the flag is out of use.
_LAST_MAJOR_WITH_WEAK_TYPES = 10
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How an engine is built.

    Attributes:
        precision: What the graph computes in.
        batch_sizes: Ascending; the engine takes every size from the first to the last.
        workspace_mib: Memory that a kernel may use beside its inputs; TensorRT's own limit if none.
        timing_cache: File of timings that is read if it is there, and written anew.
    """

    precision: EnginePrecision
    batch_sizes: tuple[int, ...]
    workspace_mib: int | None
    timing_cache: Path


def build_engine(
    tensorrt: Tensorrt,
    logger: ILogger,
    graph: bytes,
    item_shape: tuple[int, ...],
    options: BuildOptions,
) -> bytes:
    """Parse, profile, build.

    Args:
        tensorrt: The bindings.
        logger: What TensorRT says goes there.
        graph: ONNX, whole.
        item_shape: Of one frame [h, w, c], or of one clip [t, h, w, c].
        options: How.

    Raises:
        TensorrtError: When TensorRT does not read the graph, refuses the profile or the timings, or
            cannot build.
    """
    builder = tensorrt.Builder(logger)
    network = _parsed(tensorrt, builder, logger, graph)
    config = builder.create_builder_config()
    if options.workspace_mib is not None:
        config.set_memory_pool_limit(
            tensorrt.MemoryPoolType.WORKSPACE, options.workspace_mib * _MIB
        )
    # It is on by default, and rounds what should be float32 to 10 bits.
    config.clear_flag(tensorrt.BuilderFlag.TF32)
    _profile(builder, config, network, item_shape, options.batch_sizes)
    _read_timings(config, options.timing_cache)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise TensorrtError(
            "expected an engine, received none; see what TensorRT said above, give it more memory "
            "by --workspace-mib, or choose another --precision"
        )
    _write_timings(config, options.timing_cache)
    return bytes(engine)


def _parsed(
    tensorrt: Tensorrt, builder: IBuilder, logger: ILogger, graph: bytes
) -> INetworkDefinition:
    strongly = 1 << int(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    weak_by_default = major_version(tensorrt) <= _LAST_MAJOR_WITH_WEAK_TYPES
    network = builder.create_network(strongly if weak_by_default else 0)
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse(graph):
        reasons = "; ".join(parser.get_error(n).desc() for n in range(parser.num_errors))
        raise TensorrtError(
            f"expected a graph that TensorRT reads, received one that it does not: {reasons}; "
            "update TensorRT, or serve the graph by ONNX Runtime"
        )
    return network


def _profile(
    builder: IBuilder,
    config: IBuilderConfig,
    network: INetworkDefinition,
    item_shape: tuple[int, ...],
    batch_sizes: tuple[int, ...],
) -> None:
    """From the smallest batch to the largest, tuned for the largest: it runs while more waits."""
    smallest, largest = (batch_sizes[0], *item_shape), (batch_sizes[-1], *item_shape)
    profile = builder.create_optimization_profile()
    profile.set_shape(network.get_input(0).name, smallest, largest, largest)
    if config.add_optimization_profile(profile) < 0:
        raise TensorrtError(
            f"expected a profile of batches {batch_sizes[0]} to {batch_sizes[-1]}, received a "
            f"refusal for items of {math.prod(item_shape)} bytes; lower --batches"
        )


def _read_timings(config: IBuilderConfig, path: Path) -> None:
    known = path.read_bytes() if path.exists() else b""
    if not config.set_timing_cache(config.create_timing_cache(known), False):  # noqa: FBT003
        raise TensorrtError(
            f"expected timings of this GPU and this TensorRT in {path}, received others; "
            "name another --timing-cache"
        )


def _write_timings(config: IBuilderConfig, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with durable_file(path) as temporary:
        temporary.write_bytes(bytes(config.get_timing_cache().serialize()))
