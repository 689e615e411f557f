"""One artifact, ready to embed: opened, held to its golden clip, warm, and closed again."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from model.manifest import Manifest
from service.batching.admission import Admission
from service.batching.backend import BackendLost
from service.batching.observer import BatchObserver
from service.cpu_count import usable_cores
from service.gallery.stores.protocol import GalleryModel
from service.inference.artifact import open_artifact
from service.inference.embedder import Embedder
from service.media.decode import FrameDecoder, MediaLimits
from service.media.decode_budget import DecodeLimits
from service.media.decode_threads import suitable_threads
from service.media.frame_limits import FrameLimits
from service.media.video_limits import VideoLimits
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class ModelWatch:
    """Who is told what a model does.

    Attributes:
        report: Of each phase of its opening.
        observer: Of its batches, by their threads; None for nobody.
        on_lost: Once, by a thread, when its device is gone for good; None for nobody.
    """

    report: Callable[[str], None]
    observer: BatchObserver | None = None
    on_lost: Callable[[BackendLost], None] | None = None


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """What embeds; a request uses one from its beginning to its end.

    Attributes:
        manifest: What is served.
        decoder: Makes frames as it wants them.
        embedder: Runs it.
        admission: Bounds what is under way for it.
        parts: What `close` closes.
    """

    manifest: Manifest
    decoder: FrameDecoder
    embedder: Embedder
    admission: Admission
    parts: AsyncExitStack

    @property
    def identity(self) -> GalleryModel:
        """What a gallery must be of to hold its embeddings."""
        return GalleryModel(self.manifest.model.fingerprint, self.manifest.output.dimension)

    async def close(self) -> None:
        """Finish the batch in hand and give everything back; a second call does nothing."""
        await self.parts.aclose()


async def open_model(directory: Path, settings: Settings, watch: ModelWatch) -> LoadedModel:
    """Open an artifact off the event loop; nothing is left of one that is refused.

    Args:
        directory: The artifact.
        settings: The service's settings.
        watch: Told of the opening, and of the model from then on.

    Raises:
        ArtifactError: When the artifact breaks its contract or the golden clip is not reproduced.
        ProviderError: When what should run it cannot be had.
    """
    async with AsyncExitStack() as parts:
        watch.report("verifying the artifact")
        artifact = await asyncio.to_thread(open_artifact, directory)
        manifest = artifact.manifest

        embedder = await asyncio.to_thread(
            Embedder,
            artifact,
            settings,
            observer=watch.observer,
            on_lost=watch.on_lost,
            report=watch.report,
        )
        parts.push_async_callback(asyncio.to_thread, embedder.close)
        await asyncio.to_thread(embedder.start)
        threads = settings.decode_threads or suitable_threads(
            usable_cores(), cores_are_free=embedder.served.plan.on_gpu
        )
        decoder = FrameDecoder(_media_limits(settings), manifest.preprocessing, threads=threads)
        parts.push_async_callback(asyncio.to_thread, decoder.close)
        admission = Admission(settings.max_queue_frames, bulk_share=settings.bulk_share)
        return LoadedModel(manifest, decoder, embedder, admission, parts.pop_all())


def _media_limits(settings: Settings) -> MediaLimits:
    frame = FrameLimits(
        max_bytes=settings.max_frame_bytes,
        max_pixels=settings.max_frame_pixels,
        max_side_px=settings.max_frame_side_px,
        formats=settings.image_formats,
    )
    tracklet = DecodeLimits(settings.decode_budget_s, settings.max_tracklet_pixels)
    video = VideoLimits(settings.max_video_frames, settings.max_video_s)
    return MediaLimits(frame, tracklet, video)
