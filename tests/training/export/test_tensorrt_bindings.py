"""Every name and argument that is used, against the signatures of both versions."""

import inspect
import sys
from types import ModuleType, SimpleNamespace

import pytest

from tests.tensorrt_double import SIGNATURES, Double
from training.export import tensorrt_bindings
from training.export.tensorrt_bindings import (
    TensorrtError,
    library_version,
    major_version,
    open_tensorrt,
)

OWN_NAMES = {"IBuilder": "Builder", "IOnnxParser": "OnnxParser", "IRuntime": "Runtime"}
PROTOCOLS = [
    "IBuilder", "IBuilderConfig", "ICudaEngine", "IExecutionContext", "INetworkDefinition",
    "IOnnxParser", "IOptimizationProfile", "IRuntime", "ITensor", "ITimingCache", "ParserError",
]  # fmt: skip


def protocol_of(name):
    (found,) = (
        getattr(tensorrt_bindings, known)
        for known in (name, f"I{name}")
        if hasattr(tensorrt_bindings, known)
    )
    return found


@pytest.mark.parametrize("version", sorted(SIGNATURES))
@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_is_typed_exists_with_these_arguments(version, name):
    members = {
        member: value
        for member, value in vars(protocol_of(name)).items()
        if not member.startswith("_")
    }
    assert members
    known = SIGNATURES[version][OWN_NAMES.get(name, name)]
    for member, value in members.items():
        assert member in known, f"{name}.{member}"
        if isinstance(value, property):
            assert known[member] is None
            continue
        arguments = list(inspect.signature(value).parameters)[1:]
        assert any(takes(overload, arguments) for overload in known[member]), f"{name}.{member}"


def takes(overload, arguments):
    """These in this order, and no other without a default."""
    texts = [text for text in overload.split(", ") if text]
    names = [text.removesuffix("=") for text in texts]
    rest = texts[len(arguments) :]
    return names[: len(arguments)] == arguments and all(text.endswith("=") for text in rest)


@pytest.mark.parametrize("version", sorted(SIGNATURES))
def test_the_flags_that_are_named_exist(version):
    assert "TF32" in SIGNATURES[version]["BuilderFlag"]
    assert "WORKSPACE" in SIGNATURES[version]["MemoryPoolType"]
    assert "STRONGLY_TYPED" in SIGNATURES[version]["NetworkDefinitionCreationFlag"]


def test_weak_flags_of_precision_are_gone_in_11():
    """Why the precision is in the graph."""
    assert {"FP16", "BF16", "INT8", "FP8"} <= set(SIGNATURES["10.13.0.35"]["BuilderFlag"])
    assert not {"FP16", "BF16", "INT8", "FP8"} & set(SIGNATURES["11.4.0.106"]["BuilderFlag"])


def test_the_double_takes_nothing_that_the_bindings_do_not_have():
    double = Double()
    builder = double.Builder(double.Logger(double.Logger.ERROR))
    with pytest.raises(AttributeError, match="Builder of TensorRT 11.4.0.106 has no build_engine"):
        builder.build_engine()
    with pytest.raises(TypeError, match="create_network"):
        builder.create_network(flag=1)
    with pytest.raises(AttributeError, match="FP16"):
        _ = double.BuilderFlag.FP16


def test_absent_bindings_are_told():
    with pytest.raises(TensorrtError) as told:
        open_tensorrt()
    assert str(told.value) == (
        "expected TensorRT's Python bindings, received none: No module named 'tensorrt'; install "
        "`tensorrt` on a machine with an NVIDIA GPU"
    )


def test_old_bindings_are_refused(monkeypatch):
    old = ModuleType("tensorrt")
    old.__version__ = "8.6.1"
    monkeypatch.setitem(sys.modules, "tensorrt", old)
    with pytest.raises(TensorrtError) as told:
        open_tensorrt()
    assert str(told.value) == (
        "expected TensorRT 10 or newer, received 8.6.1; install a newer `tensorrt`"
    )
    old.__version__ = "10.0.1"
    assert open_tensorrt() is old


def test_versions():
    bindings = SimpleNamespace(__version__="10.13.0.35")
    assert major_version(bindings) == 10
    assert library_version(bindings) == "10.13.0"
