"""One tracklet's frames in, its embedding out: backend, batcher and pooling behind one call."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model.manifest import ArtifactError, Manifest
from service.batching.backend import BackendLost
from service.batching.batcher import Batcher
from service.batching.health import BatcherHealth
from service.batching.observer import BatchObserver
from service.batching.options import BatcherOptions
from service.batching.urgency import PATIENT, Urgency
from service.errors import InvalidInput
from service.inference.artifact import Artifact
from service.inference.onnx_backend import OnnxBackend
from service.inference.pooling import pool_embedding
from service.settings import Settings
from service.stage_times import report


class Embedder:
    """Embeds tracklets with one artifact.

    Args:
        artifact: A verified artifact.
        settings: Of them `inference_provider`, `inference_threads`, `max_batch_frames`,
            `bulk_share`, `max_batch_delay_s`, `max_queue_frames`, `max_frames`.
        observer: Told of batches and of what was dropped.
        on_lost: Called once, by a thread, when a device is gone for good.

    Raises:
        ArtifactError: When the graph does not load or disagrees with the manifest.
        ProviderError: When the execution provider cannot be had.
        ValueError: When the queue could not hold the longest tracklet.
    """

    def __init__(
        self,
        artifact: Artifact,
        settings: Settings,
        *,
        observer: BatchObserver | None = None,
        on_lost: Callable[[BackendLost], None] | None = None,
    ) -> None:
        if settings.max_queue_frames < settings.max_frames:
            raise ValueError(
                f"expected max_queue_frames of at least max_frames ({settings.max_frames}), "
                f"received {settings.max_queue_frames}; raise REID_MAX_QUEUE_FRAMES"
            )
        self._artifact = artifact
        self._max_batch_frames = settings.max_batch_frames
        self._backend = OnnxBackend(
            artifact.graph,
            artifact.manifest,
            threads=settings.inference_threads,
            provider=settings.inference_provider,
        )
        self._batcher = Batcher(
            [self._backend],
            BatcherOptions(
                tuple(range(1, settings.max_batch_frames + 1)),
                bulk_share=settings.bulk_share,
                max_delay_s=settings.max_batch_delay_s,
            ),
            observer=observer,
            on_lost=on_lost,
        )

    @property
    def manifest(self) -> Manifest:
        """What is served."""
        return self._artifact.manifest

    @property
    def backend_name(self) -> str:
        """Runtime and execution provider that really run."""
        return self._backend.name

    @property
    def health(self) -> BatcherHealth:
        """Whether what is sent will be embedded."""
        return self._batcher.health

    @property
    def ready(self) -> bool:
        """Whether the golden clip was reproduced and the batcher works and is not stuck."""
        return self._batcher.health.well

    def items_of(self, frames: int) -> int:
        """Items that a tracklet of so many frames puts into batches, at most."""
        return len(self.manifest.preprocessing.choice.indices(frames))

    def start(self) -> None:
        """Reproduce the golden clip, warm the largest batch, then take work.

        Blocks for the time of two batches, so call it off the event loop.

        Raises:
            ArtifactError: When the golden clip gives another embedding than the artifact says.
        """
        self._reproduce_golden()
        frame = self._artifact.golden_clip[:1]
        self._backend.run(np.repeat(frame, self._max_batch_frames, axis=0))
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
        computed = await self._batcher.features(frames, urgency=urgency)
        report("queue", computed.queued_s, ended_ago_s=computed.inference_s)
        report("inference", computed.inference_s)
        return pool_embedding(computed.features, self.manifest.output)

    def close(self) -> None:
        """Finish the batch in hand, fail what waits with `NotReady`; blocks for seconds at most."""
        self._batcher.stop()

    def _check(self, frames: NDArray[np.uint8]) -> None:
        height, width = self.manifest.preprocessing.height, self.manifest.preprocessing.width
        right_shape = frames.ndim == 4 and frames.shape[1:] == (height, width, 3)
        if frames.dtype != np.uint8 or not right_shape or len(frames) < 1:
            raise InvalidInput(
                expected=f"frames uint8 [t, {height}, {width}, 3] with t of 1 or more",
                received=f"{frames.dtype} {list(frames.shape)}",
                remedy="decode and resize the frames as the manifest says",
            )

    def _reproduce_golden(self) -> None:
        clip = self._artifact.golden_clip
        size = self._max_batch_frames
        try:
            rows = [self._backend.run(clip[i : i + size]) for i in range(0, len(clip), size)]
            embedding = pool_embedding(np.concatenate(rows), self.manifest.output)
        except Exception as error:
            raise self._golden_failed(f"no embedding: {error}") from error
        cosine = _cosine(embedding, self._artifact.golden_embedding)
        if not cosine >= self.manifest.golden.least_cosine:
            raise self._golden_failed(f"cosine {cosine:.6f}")

    def _golden_failed(self, received: str) -> ArtifactError:
        return ArtifactError(
            f"expected {self._artifact.directory} to reproduce its golden clip with cosine "
            f"{self.manifest.golden.least_cosine} or more, received {received}; "
            "export the artifact again with the runtime version that is installed"
        )


def _cosine(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    one, other = first.astype(np.float64), second.astype(np.float64)
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
