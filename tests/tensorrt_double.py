"""A TensorRT that cannot build: its engines are graphs that ONNX Runtime runs on the CPU.

The real one needs libraries and a GPU. This one takes no attribute and no argument that the real
bindings of the version do not have: `tests/training/export/tensorrt_signatures.json` lists them, as
the docstrings of `tensorrt-cu13-bindings` 11.4.0.106 and the stubs of 10.13.0.35 tell.
"""

import ctypes
import inspect
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime

SIGNATURES = json.loads(
    (Path(__file__).parent / "training/export/tensorrt_signatures.json").read_text()
)
MAGIC = b"made-up engine "


class Checked:
    """Only what the signatures have; the rest is an error as the bindings would raise it."""

    def __init__(self, version, name, behaviour):
        object.__setattr__(self, "_facts", (version, name, behaviour))

    def __getattr__(self, attribute):
        version, name, behaviour = self._facts
        known = SIGNATURES[version][name]
        if attribute not in known:
            raise AttributeError(f"{name} of TensorRT {version} has no {attribute}")
        value = getattr(behaviour, attribute)
        overloads = known[attribute]
        return value if overloads is None else checked_call(value, overloads, attribute)

    def __setattr__(self, attribute, value):
        raise AttributeError(f"nothing sets {attribute}")

    def __buffer__(self, flags):
        return memoryview(self._facts[2].content)

    def __bytes__(self):
        return self._facts[2].content


def checked_call(function, overloads, name):
    def call(*arguments, **named):
        for overload in overloads:
            if fits(overload, arguments, named):
                return function(*arguments, **named)
        raise TypeError(f"{name}{overloads} takes no {arguments} {named}")

    return call


def fits(overload, arguments, named):
    parameters = [
        inspect.Parameter(
            text.removesuffix("="),
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=None if text.endswith("=") else inspect.Parameter.empty,
        )
        for text in overload.split(", ")
        if text
    ]
    try:
        inspect.Signature(parameters).bind(*arguments, **named)
    except TypeError:
        return False
    return True


class Double:
    """The module, and what was asked of it.

    Args:
        version: One of `SIGNATURES`.
        spoil: Changes the features that engines give.
    """

    def __init__(self, version="11.4.0.106", *, spoil=lambda features: features):
        self.version, self.spoil = version, spoil
        self.__version__ = version
        self.flags, self.limits, self.cleared, self.profiles = [], {}, [], []
        self.parses, self.builds, self.fits, self.profile_number = True, True, True, 0
        self.loads = True
        self.timings, self.known_timings = None, None
        self.built = 0
        table = SIGNATURES[version]
        self.MemoryPoolType = SimpleNamespace(**{n: n for n in table["MemoryPoolType"]})
        self.BuilderFlag = SimpleNamespace(**{n: n for n in table["BuilderFlag"]})
        flags = {n: i for i, n in enumerate(table["NetworkDefinitionCreationFlag"])}
        self.NetworkDefinitionCreationFlag = SimpleNamespace(**flags)
        self.Logger = _Loggers(self)

    def checked(self, name, behaviour):
        return Checked(self.version, name, behaviour)

    def _make(self, name, behaviour, arguments):
        (overload,) = SIGNATURES[self.version][name]["__init__"]
        assert fits(overload, arguments, {})
        return self.checked(name, behaviour)

    def Builder(self, *arguments):  # noqa: N802
        return self._make("Builder", _Builder(self), arguments)

    def OnnxParser(self, *arguments):  # noqa: N802
        return self._make("OnnxParser", _Parser(self, arguments[0]), arguments)

    def Runtime(self, *arguments):  # noqa: N802
        return self._make("Runtime", _Runtime(self), arguments)


class _Loggers:
    ERROR = 1

    def __init__(self, double):
        self.double = double

    def __call__(self, *arguments):
        return self.double._make("Logger", self, arguments)


class _Builder:
    def __init__(self, double):
        self.double = double

    def create_network(self, flags=0):
        self.double.flags.append(flags)
        return self.double.checked("INetworkDefinition", SimpleNamespace())

    def create_builder_config(self):
        return self.double.checked("IBuilderConfig", _Config(self.double))

    def create_optimization_profile(self):
        def set_shape(input, min, opt, max):  # noqa: A002
            self.double.profiles.append((input, min, opt, max))

        return self.double.checked("IOptimizationProfile", SimpleNamespace(set_shape=set_shape))

    def build_serialized_network(self, network, config):
        if not self.double.builds:
            return None
        self.double.built += 1
        self.double.timings = (self.double.timings or b"") + b"|timed"
        _, least, _, most = self.double.profiles[-1]
        shapes = json.dumps([least, most]).encode()
        content = MAGIC + shapes + b"\n" + network._facts[2].graph
        return self.double.checked("IHostMemory", SimpleNamespace(content=content))


class _Config:
    def __init__(self, double):
        self.double = double

    def add_optimization_profile(self, profile):
        return self.double.profile_number

    def set_memory_pool_limit(self, pool, pool_size):
        self.double.limits[pool] = pool_size

    def clear_flag(self, flag):
        self.double.cleared.append(flag)

    def create_timing_cache(self, serialized_timing_cache):
        self.double.known_timings = serialized_timing_cache
        return self.double.checked("ITimingCache", SimpleNamespace())

    def set_timing_cache(self, cache, ignore_mismatch):
        assert ignore_mismatch is False
        self.double.timings = self.double.known_timings
        return self.double.fits

    def get_timing_cache(self):
        def serialize():
            return self.double.checked("IHostMemory", SimpleNamespace(content=self.double.timings))

        return self.double.checked("ITimingCache", SimpleNamespace(serialize=serialize))


class _Parser:
    num_errors = 2

    def __init__(self, double, network):
        self.double, self.network = double, network

    def parse(self, model, path=None):
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        tensors = [
            self.double.checked("ITensor", SimpleNamespace(name=source.name))
            for source in session.get_inputs()
        ]
        behaviour = self.network._facts[2]
        behaviour.graph, behaviour.num_inputs = model, len(tensors)
        behaviour.get_input = tensors.__getitem__
        return self.double.parses

    def get_error(self, index):
        reason = ["no such operator", "no such type"][index]
        return self.double.checked("ParserError", SimpleNamespace(desc=lambda: reason))


class _Runtime:
    def __init__(self, double):
        self.double = double

    def deserialize_cuda_engine(self, serialized_engine):
        if not self.double.loads or not serialized_engine.startswith(MAGIC):
            return None
        return self.double.checked("ICudaEngine", _Engine(self.double, serialized_engine))


class _Engine:
    num_io_tensors = 2

    def __init__(self, double, content):
        shapes, _, graph = content.removeprefix(MAGIC).partition(b"\n")
        self.double, (self.least, self.most) = double, json.loads(shapes)
        self.session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])

    def get_tensor_name(self, index):
        return [self.session.get_inputs()[0].name, self.session.get_outputs()[0].name][index]

    def create_execution_context(self):
        return self.double.checked("IExecutionContext", _Context(self))


class _Context:
    def __init__(self, engine):
        self.engine, self.shape = engine, None

    def set_input_shape(self, name, shape):
        assert name == self.engine.get_tensor_name(0)
        self.shape = shape
        within = zip(self.engine.least, shape, self.engine.most, strict=True)
        return all(least <= size <= most for least, size, most in within)

    def execute_v2(self, bindings):
        source, target = bindings
        count = int(np.prod(self.shape))
        items = np.frombuffer((ctypes.c_uint8 * count).from_address(source), np.uint8)
        name = self.engine.get_tensor_name(0)
        features = self.engine.session.run(None, {name: items.reshape(self.shape)})[0]
        features = np.ascontiguousarray(self.engine.double.spoil(features), np.float32)
        ctypes.memmove(target, features.ctypes.data, features.nbytes)
        return self.engine.double.builds
