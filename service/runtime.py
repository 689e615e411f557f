"""The parts of a running service, opened in the order in which they depend on each other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.manifest import Manifest
from service.batching.admission import Admission
from service.batching.urgency import PATIENT, Urgency
from service.gallery.forgetting import Forgetting
from service.gallery.gallery import GalleryService
from service.gallery_setup import forgetting, gallery_service
from service.inference.artifact import open_artifact
from service.inference.embedder import Embedder
from service.media.decode import FrameDecoder, MediaLimits
from service.media.decode_budget import DecodeLimits
from service.media.decoded_tracklet import DecodedTracklet
from service.media.frame_limits import FrameLimits
from service.media.tracklet_source import TrackletSource, most_frames
from service.media.video_limits import VideoLimits
from service.settings import Settings
from service.stage_times import timed


@dataclass(frozen=True)
class EmbeddedTracklet:
    """The embedding, float32 [d], of an upload, and what became of its frames."""

    embedding: NDArray[np.float32]
    decoded: DecodedTracklet


@dataclass(frozen=True)
class Runtime:
    """Everything that a request may need."""

    settings: Settings
    manifest: Manifest
    decoder: FrameDecoder
    embedder: Embedder
    admission: Admission
    gallery: GalleryService
    forgetting: Forgetting

    async def embed(
        self, source: TrackletSource, *, urgency: Urgency = PATIENT
    ) -> EmbeddedTracklet:
        """Embed the frames of one tracklet.

        Raises:
            NoReadableFrame: When not one frame can be decoded.
            Overloaded: When too many frames are under way, or it could not be answered in time.
            InferenceFailed: When the runtime fails on this tracklet.
        """
        most = most_frames(source, self.settings.max_frames)
        with self.admission.reserve(self.embedder.items_of(most), urgency) as reservation:
            with timed("decode"):
                decoded = await self.decoder.decode(source)
            reservation.shrink(self.embedder.items_of(len(decoded.frames)))
            embedding = await self.embedder.embed(decoded.frames, urgency=urgency)
        return EmbeddedTracklet(embedding, decoded)


@asynccontextmanager
async def open_runtime(settings: Settings, report: Callable[[str], None]) -> AsyncIterator[Runtime]:
    """Open every part off the event loop; on leaving, close them in reverse.

    Args:
        settings: The service's settings.
        report: Told what is being done, for `/readyz`.

    Raises:
        ArtifactError: When the artifact breaks its contract or the golden clip is not reproduced.
        ReidError: When the store cannot be opened, or belongs to another process.
    """
    async with AsyncExitStack() as parts:
        report("verifying the artifact")
        artifact = await asyncio.to_thread(open_artifact, settings.artifact_dir)
        manifest = artifact.manifest

        report("reproducing the golden clip")
        embedder = await asyncio.to_thread(Embedder, artifact, settings)
        parts.push_async_callback(asyncio.to_thread, embedder.close)
        await asyncio.to_thread(embedder.start)
        decoder = FrameDecoder(
            _media_limits(settings),
            manifest.preprocessing,
            threads=settings.decode_threads,
        )
        parts.push_async_callback(asyncio.to_thread, decoder.close)

        report("reading the galleries")
        gallery = gallery_service(settings, manifest)
        parts.push_async_callback(gallery.close)
        await gallery.start()
        forgets = forgetting(settings, gallery)
        parts.push_async_callback(asyncio.to_thread, forgets.close)
        forgets.start()
        admission = Admission(settings.max_queue_frames, bulk_share=settings.bulk_share)
        yield Runtime(settings, manifest, decoder, embedder, admission, gallery, forgets)


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
