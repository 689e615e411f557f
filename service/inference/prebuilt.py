"""Does what the first start of a service would, and keeps what the next one can use."""

import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from service.inference.artifact import open_artifact
from service.inference.engine import engine_dir_of, open_engine
from service.inference.plan import InferencePlan
from service.inference.startup_probe import Measured
from service.settings import Settings


class Prebuilt(BaseModel):
    """What was found, and what lies ready.

    Attributes:
        plan: How a service will run the graph.
        measured: What was tried to know it; nothing where the settings leave no choice.
        recalled: Whether it was known before.
        backend: Runtime and device.
        precision: In which they compute.
        cosine: Of the golden clip.
        engines: Files that were compiled for a GPU, in the engines' directory.
        elapsed_s: What it took.
    """

    model_config = ConfigDict(frozen=True)

    plan: InferencePlan
    measured: tuple[Measured, ...]
    recalled: bool
    backend: str
    precision: str
    cosine: float
    engines: tuple[str, ...]
    elapsed_s: float


def prebuilt(settings: Settings, report: Callable[[str], None], *, anew: bool) -> Prebuilt:
    """Choose a plan, build its engines, reproduce the golden clip, run every batch size.

    Args:
        settings: Those of the service.
        report: Told what is being done.
        anew: Measure although a plan is known.

    Raises:
        ArtifactError: When the artifact breaks its contract or the golden clip is not reproduced.
        ProviderError: When what the settings name cannot be had.
    """
    started_s = time.monotonic()
    artifact = open_artifact(settings.artifact_dir)
    engine = open_engine(artifact, settings, report, anew=anew)
    try:
        cosine = engine.prove(artifact, "full", report)
        folder = engine_dir_of(settings)
        return Prebuilt(
            plan=engine.chosen.plan,
            measured=engine.chosen.measured,
            recalled=engine.recalled,
            backend=engine.lanes[0].name,
            precision=engine.lanes[0].precision,
            cosine=cosine,
            engines=tuple(
                str(path.relative_to(folder))
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            ),
            elapsed_s=time.monotonic() - started_s,
        )
    finally:
        engine.close()
