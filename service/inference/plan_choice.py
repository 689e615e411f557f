"""Chooses how the graph is run on this machine: by measurement, among what the settings leave open.

A runtime that is not ONNX Runtime, or a precision that is not the graph's, has to win by more than
the noise of a measurement; larger batches, whose items wait longer, as well.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnxruntime

from service.cpu_count import usable_cores
from service.inference.artifact import Artifact
from service.inference.candidate_plans import (
    InferenceChoice,
    cpu_plans,
    gpu_plans,
    larger_batches,
)
from service.inference.gpu_lanes import CUDA
from service.inference.graph import Graph, ProviderError, require_runtime
from service.inference.nvidia import gpu_names
from service.inference.openvino_backend import reduced_precisions
from service.inference.plan import ON_GPU, InferencePlan, Precision, Provider
from service.inference.startup_probe import Measured, measure

_MARGIN = 1.05
"""What a later candidate must be faster by."""
_LONGEST_S = 20.0
"""After that no further candidate is begun: a busy machine must come to its start all the same."""
_ENOUGH_ITEMS_PER_S = 5000.0
"""A model that fast waits for the decoding of its frames: no other runtime is tried for it."""


@dataclass(frozen=True)
class ChosenPlan:
    """How the graph is run, and what was measured for that."""

    plan: InferencePlan
    measured: tuple[Measured, ...]


class PlanChoice:
    """Tries plans for one artifact.

    Args:
        artifact: What is to be served.
        graph: Its graph.
        choice: What the settings say.
        engine_dir: Where engines compiled for one GPU are kept.
        report: Told what is being tried.
    """

    def __init__(
        self,
        artifact: Artifact,
        graph: Graph,
        choice: InferenceChoice,
        *,
        engine_dir: Path,
        report: Callable[[str], None],
    ) -> None:
        self._artifact = artifact
        self._graph = graph
        self._choice = choice
        self._engine_dir = engine_dir
        self._report = report
        self._measured: list[Measured] = []

    def best(self) -> ChosenPlan:
        """The plan to serve with.

        Raises:
            ProviderError: When not one candidate can be opened and holds parity.
        """
        require_runtime(self._graph, self._choice.provider)
        plan = self._only_one() or self._on_gpus() or self._on_cpu()
        return ChosenPlan(plan, tuple(self._measured))

    def _only_one(self) -> InferencePlan | None:
        """Where the settings leave nothing open nothing is measured."""
        provider = self._choice.provider
        if provider == "auto" or provider in ON_GPU or not self._choice.states_batches:
            return None
        plans = self._cpu_plans(provider)
        return plans[0] if len(plans) == 1 else None

    def _on_gpus(self) -> InferencePlan | None:
        """The fastest precision that holds parity; None where the settings want no GPU."""
        provider = self._choice.provider
        if provider != "auto":
            gpu = provider in ON_GPU
            return self._first_good(self._gpu_plans(provider)) if gpu else None
        if self._of_openvino or CUDA not in onnxruntime.get_available_providers():
            return None
        try:
            return self._first_good(self._gpu_plans("cuda"))
        except ProviderError:
            # A build for GPUs on a machine without one.
            return None

    def _first_good(self, plans: Sequence[InferencePlan]) -> InferencePlan:
        for plan in plans:
            measured = self._try([plan])[0]
            if measured.refused is None:
                return plan
        raise self._none_serves()

    def _on_cpu(self) -> InferencePlan:
        started_s = time.monotonic()
        for provider in self._cpu_providers():
            if self._fast_enough():
                break
            for plan in self._cpu_plans(provider):
                spent = time.monotonic() - started_s > _LONGEST_S
                if not (spent and _first_within_margin(self._measured)):
                    self._try([plan])
        fastest = _first_within_margin(self._measured)
        if fastest is None:
            raise self._none_serves()
        larger = self._try(larger_batches(self._choice, fastest, self._unit))
        return _first_within_margin(larger) or fastest

    def _cpu_providers(self) -> list[Provider]:
        precision = self._choice.precision
        if self._of_openvino:
            return ["openvino"]
        if self._choice.provider != "auto":
            return [self._choice.provider]
        both: list[Provider] = ["cpu", "openvino"]
        fitting = [one for one in both if precision == "auto" or precision in self._offered(one)]
        return fitting or both

    def _cpu_plans(self, provider: Provider) -> list[InferencePlan]:
        offered = self._offered(provider)
        cores = usable_cores()
        return cpu_plans(self._choice, provider, offered, unit=self._unit, cores=cores)

    def _gpu_plans(self, provider: Provider) -> list[InferencePlan]:
        devices = len(gpu_names())
        return gpu_plans(self._choice, provider, self._own, unit=self._unit, devices=devices)

    def _offered(self, provider: Provider) -> list[Precision]:
        """The graph's own precision, and those that may be had for less."""
        if provider == "openvino" and self._own == "fp32":
            return [self._own, *reduced_precisions()]
        return [self._own]

    @property
    def _own(self) -> Precision:
        return self._artifact.manifest.graph.precision

    @property
    def _of_openvino(self) -> bool:
        return self._graph.manifest.graph.format == "openvino"

    @property
    def _unit(self) -> Literal["frame", "clip"]:
        return self._artifact.manifest.graph.batching_unit

    def _fast_enough(self) -> bool:
        rates = [measured.items_per_s or 0.0 for measured in self._measured]
        return max(rates, default=0.0) >= _ENOUGH_ITEMS_PER_S

    def _try(self, plans: Sequence[InferencePlan]) -> list[Measured]:
        if not plans:
            return []
        self._report(f"measuring {plans[0]}")
        measured = measure(self._artifact, self._graph, plans, self._engine_dir)
        self._measured += measured
        return measured

    def _none_serves(self) -> ProviderError:
        # A broken artifact is refused by all for one reason.
        refusals = dict.fromkeys(measured.refused or "" for measured in self._measured)
        reasons = "; ".join(refusals)
        return ProviderError(
            f"expected one way to run {self._graph.path} here, received none ({reasons}); "
            "do as the reasons say, or change REID_INFERENCE_PROVIDER or REID_INFERENCE_PRECISION"
        )


def _first_within_margin(measured: Sequence[Measured]) -> InferencePlan | None:
    """The first that no other beats by more than the margin; None where all were refused."""
    rates = [one.items_per_s or 0.0 for one in measured]
    best = max(rates, default=0.0)
    for one, rate in zip(measured, rates, strict=True):
        if rate > 0 and rate * _MARGIN >= best:
            return one.plan
    return None
