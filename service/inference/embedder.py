"""One tracklet's frames in, its embedding out: engine, batcher and pooling behind one call."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.manifest import Manifest
from service.batching.backend import BackendLost
from service.batching.batcher import Batcher
from service.batching.health import BatcherHealth
from service.batching.observer import BatchObserver
from service.batching.options import BatcherOptions
from service.batching.urgency import PATIENT, Urgency
from service.errors import InvalidInput
from service.inference.artifact import Artifact
from service.inference.engine import open_engine
from service.inference.plan import InferencePlan
from service.inference.pooling import pool_embedding
from service.inference.tracklet_items import clip_positions, tracklet_items
from service.settings import Settings
from service.stage_times import report as report_stage


@dataclass(frozen=True)
class ServedInference:
    """What really runs.

    Attributes:
        backends: Runtime and device of each lane.
        precision: In which they compute.
        plan: Lanes, threads and batch sizes.
        golden_cosine: How near the golden clip came to its embedding; None before the start.
    """

    backends: tuple[str, ...]
    precision: str
    plan: InferencePlan
    golden_cosine: float | None


def _unheard(doing: str) -> None:
    """For those to whom nobody listens while they start."""


class Embedder:
    """Embeds tracklets with one artifact.

    Args:
        artifact: A verified artifact.
        settings: Of them those of inference and batching, `data_dir`, `max_queue_frames` and
            `max_frames`.
        observer: Told of batches and of what was dropped.
        on_lost: Called once, by another thread, when a device is gone for good.
        report: Told what is being done until it is started.

    Raises:
        ArtifactError: When the graph does not load or disagrees with the manifest.
        ProviderError: When what the settings name cannot be had.
        ValueError: When the queue could not hold the longest tracklet.
    """

    def __init__(
        self,
        artifact: Artifact,
        settings: Settings,
        *,
        observer: BatchObserver | None = None,
        on_lost: Callable[[BackendLost], None] | None = None,
        report: Callable[[str], None] = _unheard,
    ) -> None:
        if settings.max_queue_frames < settings.max_frames:
            raise ValueError(
                f"expected max_queue_frames of at least max_frames ({settings.max_frames}), "
                f"received {settings.max_queue_frames}; raise REID_MAX_QUEUE_FRAMES"
            )
        self._artifact = artifact
        self._warmup = settings.warmup
        self._report = report
        self._golden_cosine: float | None = None
        self._engine = open_engine(artifact, settings, report)
        plan = self._engine.chosen.plan
        options = BatcherOptions(
            plan.batch_sizes,
            bulk_share=settings.bulk_share,
            max_delay_s=settings.max_batch_delay_s,
            prefetch=plan.on_gpu,
        )
        self._batcher = Batcher(self._engine.lanes, options, observer=observer, on_lost=on_lost)

    @property
    def manifest(self) -> Manifest:
        """What is served."""
        return self._artifact.manifest

    @property
    def backend_name(self) -> str:
        """Runtime and execution provider that really run."""
        return self._engine.lanes[0].name

    @property
    def served(self) -> ServedInference:
        """What really runs, lane by lane."""
        lanes = self._engine.lanes
        return ServedInference(
            tuple(lane.name for lane in lanes),
            lanes[0].precision,
            self._engine.chosen.plan,
            self._golden_cosine,
        )

    @property
    def health(self) -> BatcherHealth:
        """Whether what is sent will be computed, and why not."""
        return self._batcher.health

    @property
    def ready(self) -> bool:
        """Whether the golden clip was reproduced and the batcher works and is not stuck."""
        return self._batcher.health.well

    def items_of(self, frames: int) -> int:
        """Items that a tracklet of so many frames puts into batches, at most."""
        preprocessing = self.manifest.preprocessing
        chosen = len(preprocessing.choice.indices(frames))
        if preprocessing.frames_per_clip is None or chosen < 1:
            return chosen
        return len(clip_positions(chosen, self.manifest))

    def start(self) -> None:
        """Reproduce the golden clip, warm up, then take work.

        Blocks for the time of the batches, so call it off the event loop.

        Raises:
            ArtifactError: When the golden clip gives another embedding than the artifact says.
        """
        self._golden_cosine = self._engine.prove(self._artifact, self._warmup, self._report)
        self._batcher.start()

    async def embed(
        self, frames: NDArray[np.uint8], *, urgency: Urgency = PATIENT
    ) -> NDArray[np.float32]:
        """Embedding float32 [d], of length 1, of frames uint8 [t, h, w, 3].

        Raises:
            InvalidInput: When type or shape is another than the manifest's.
            InferenceFailed, NotReady, DeadlineExceeded: From the batcher and pooling.
        """
        self._check(frames)
        items = tracklet_items(frames, self.manifest)
        computed = await self._batcher.features(items, urgency=urgency)
        report_stage("queue", computed.queued_s, ended_ago_s=computed.inference_s)
        report_stage("inference", computed.inference_s)
        return pool_embedding(computed.features, self.manifest.output)

    def close(self) -> None:
        """Finish the batch in hand, fail what waits with `NotReady`; blocks for seconds at most."""
        self._batcher.stop()
        self._engine.close()

    def _check(self, frames: NDArray[np.uint8]) -> None:
        height, width = self.manifest.preprocessing.height, self.manifest.preprocessing.width
        right_shape = frames.ndim == 4 and frames.shape[1:] == (height, width, 3)
        if frames.dtype != np.uint8 or not right_shape or len(frames) < 1:
            raise InvalidInput(
                expected=f"frames uint8 [t, {height}, {width}, 3] with t of 1 or more",
                received=f"{frames.dtype} {list(frames.shape)}",
                remedy="decode and resize the frames as the manifest says",
            )
