"""OpenVINO without what its import tells of itself."""

import sys
from functools import cache
from importlib import import_module
from types import ModuleType


@cache
def openvino_runtime() -> ModuleType:
    """The package `openvino`.

    On import it imports its converter, which reports that to its maker and writes into the home
    directory. Without the converter it goes on; graphs are read, not converted.
    """
    sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
    return import_module("openvino")
