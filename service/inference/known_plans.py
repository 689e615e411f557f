"""Remembers what was chosen on a machine like this one, so that a restart measures nothing."""

import hashlib
import json
import logging
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import onnxruntime
from pydantic import BaseModel, ConfigDict, ValidationError

from service.cpu_count import usable_cores
from service.inference.candidate_plans import InferenceChoice
from service.inference.graph import Graph, ProviderError
from service.inference.nvidia import gpu_names
from service.inference.plan import InferencePlan
from service.inference.plan_choice import ChosenPlan
from service.inference.startup_probe import Measured
from service.log import log_event

logger = logging.getLogger(__name__)

_CPU_DESCRIPTION = Path("/proc/cpuinfo")
_TELLING = ("model name", "cpu family", "model", "stepping", "flags", "Features", "CPU part")
"""Lines that tell two kinds of CPU apart, on x86 and on Arm."""


class _Known(BaseModel):
    """A file: what the choice depended on, in words, and what it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: dict[str, str]
    plan: InferencePlan
    measured: tuple[Measured, ...]


class KnownPlans:
    """One file for each combination of graph, machine, versions and settings.

    Args:
        directory: Where the files are; made when there is something to keep.
        cpu_description: The file in which the system describes its CPU.
    """

    def __init__(self, directory: Path, *, cpu_description: Path = _CPU_DESCRIPTION) -> None:
        self._directory = directory
        self._cpu_description = cpu_description

    def recall(self, graph: Graph, choice: InferenceChoice) -> ChosenPlan | None:
        """What was chosen before; None where nothing was, or the file cannot be read."""
        path, machine = self._place(graph, choice)
        try:
            known = _Known.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log_event(logger, logging.WARNING, "known_plan_unreadable", reason=str(error))
            return None
        return ChosenPlan(known.plan, known.measured) if known.machine == machine else None

    def keep(self, graph: Graph, choice: InferenceChoice, chosen: ChosenPlan) -> None:
        """Remember it; where the directory cannot be written the next start measures again."""
        path, machine = self._place(graph, choice)
        known = _Known(machine=machine, plan=chosen.plan, measured=chosen.measured)
        temporary = path.with_suffix(".tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(known.model_dump_json(indent=2) + "\n", encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            log_event(logger, logging.WARNING, "plan_not_kept", reason=str(error))

    def _place(self, graph: Graph, choice: InferenceChoice) -> tuple[Path, dict[str, str]]:
        machine = {
            "graph": graph.sha256,
            "cpu": _cpu_kind(self._cpu_description),
            "cores": str(usable_cores()),
            "gpus": ", ".join(_gpus()),
            "onnxruntime": onnxruntime.__version__,
            "openvino": _version("openvino"),
            "settings": repr(choice),
        }
        digest = hashlib.sha256(json.dumps(machine, sort_keys=True).encode()).hexdigest()
        return self._directory / f"plan-{graph.sha256[:12]}-{digest[:12]}.json", machine


def _cpu_kind(description: Path) -> str:
    """Name of the first processor, and a digest of what it can."""
    try:
        lines = description.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "unknown"
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in _TELLING:
            found.setdefault(name.strip(), value.strip())
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    return f"{found.get('model name', 'unknown')} {digest[:12]}"


def _gpus() -> list[str]:
    try:
        return gpu_names()
    except ProviderError:
        return []


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
