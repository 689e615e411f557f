"""OpenVINO without what its import tells of itself."""

import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openvino


@cache
def openvino_runtime() -> ModuleType:
    """The package `openvino`.

    On import it imports its converter, which reports that to its maker and writes into the home
    directory. Without the converter it goes on; graphs are read, not converted.
    """
    sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
    return import_module("openvino")


def compile_exactly(model: "openvino.Model") -> "openvino.CompiledModel":
    """For the CPU, in single precision; the runtime raises what it raises.

    Its threads are not pinned to cores, where they would wait for other processes of this machine.
    """
    options = {"INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
    return openvino_runtime().Core().compile_model(model, "CPU", options)
