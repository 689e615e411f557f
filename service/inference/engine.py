"""The graph, open and proved: the lanes of the best plan for this machine, warmed up."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.batching.backend import Backend
from service.inference.artifact import Artifact
from service.inference.candidate_plans import InferenceChoice
from service.inference.golden_clip import reproduce_golden
from service.inference.graph import read_graph
from service.inference.known_plans import KnownPlans
from service.inference.lanes import open_lanes
from service.inference.plan_choice import ChosenPlan, PlanChoice
from service.inference.warm_up import WarmUp, warm_up
from service.settings import Settings

_ENGINES = "engines"
_PLANS = "inference"


@dataclass(frozen=True)
class Engine:
    """What runs the graph.

    Attributes:
        chosen: How, and what was measured to know it.
        recalled: Whether that was known from a start before.
        lanes: One backend each.
    """

    chosen: ChosenPlan
    recalled: bool
    lanes: tuple[Backend, ...]

    def prove(self, artifact: Artifact, warmup: WarmUp, report: Callable[[str], None]) -> float:
        """Reproduce the golden clip on every lane and warm up; returns the least cosine.

        Raises:
            ArtifactError: When the golden clip gives another embedding than the artifact says.
        """
        report("reproducing the golden clip")
        plan = self.chosen.plan
        cosine = min(reproduce_golden(lane, artifact, plan.largest_batch) for lane in self.lanes)
        warm_up(self.lanes, artifact, plan.batch_sizes, extent=warmup, report=report)
        return cosine

    def close(self) -> None:
        """Give memory and devices back."""
        for lane in self.lanes:
            lane.close()


def open_engine(
    artifact: Artifact, settings: Settings, report: Callable[[str], None], *, anew: bool = False
) -> Engine:
    """Choose a plan, or recall the one that was chosen before, and open its lanes.

    Args:
        artifact: A verified artifact.
        settings: Of them those of inference, and `data_dir`.
        report: Told what is being done.
        anew: Measure although a plan is known.

    Raises:
        ArtifactError: When the graph does not load or disagrees with the manifest.
        ProviderError: When what the settings name cannot be had.
    """
    graph = read_graph(artifact)
    choice = inference_choice(settings)
    engine_dir = engine_dir_of(settings)
    known = KnownPlans(settings.data_dir / _PLANS)
    recalled = None if anew else known.recall(graph, choice)
    if recalled is None:
        probe = PlanChoice(artifact, graph, choice, engine_dir=engine_dir, report=report)
        chosen = probe.best()
        if chosen.measured:
            known.keep(graph, choice, chosen)
    else:
        chosen = recalled
    report(f"opening {chosen.plan}")
    lanes = open_lanes(graph, chosen.plan, engine_dir)
    return Engine(chosen, recalled is not None, tuple(lanes))


def engine_dir_of(settings: Settings) -> Path:
    """Where engines compiled for one GPU are kept."""
    return settings.engine_dir or settings.data_dir / _ENGINES


def inference_choice(settings: Settings) -> InferenceChoice:
    """What the settings say of how the graph is run."""
    return InferenceChoice(
        provider=settings.inference_provider,
        precision=settings.inference_precision,
        lanes=settings.inference_lanes,
        threads=settings.inference_threads,
        largest_batch=settings.max_batch_frames,
        batch_sizes=settings.batch_sizes,
    )
