"""The parts of a running service, opened in the order in which they depend on each other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.manifest import Manifest
from service.access.frame_quota import spend_frames
from service.batching.admission import Admission
from service.batching.backend import BackendLost
from service.batching.observer import BatchObserver
from service.batching.urgency import PATIENT, Urgency
from service.gallery.forgetting import Forgetting
from service.gallery.gallery import GalleryService
from service.gallery_setup import forgetting, gallery_service
from service.inference.embedder import Embedder
from service.loaded_model import LoadedModel, ModelWatch, open_model
from service.media.decode import FrameDecoder
from service.media.decoded_tracklet import DecodedTracklet
from service.media.tracklet_source import TrackletSource, VideoOfCrops, most_frames
from service.settings import Settings
from service.stage_times import timed


@dataclass(frozen=True)
class EmbeddedTracklet:
    """The embedding, float32 [d], of an upload, and what became of its frames."""

    embedding: NDArray[np.float32]
    decoded: DecodedTracklet


@dataclass(frozen=True)
class Runtime:
    """Everything that a request may need, from its beginning to its end."""

    settings: Settings
    model: LoadedModel
    gallery: GalleryService
    forgetting: Forgetting

    @property
    def manifest(self) -> Manifest:
        """What is served."""
        return self.model.manifest

    @property
    def decoder(self) -> FrameDecoder:
        """Makes frames as the model wants them."""
        return self.model.decoder

    @property
    def embedder(self) -> Embedder:
        """Runs the model."""
        return self.model.embedder

    @property
    def admission(self) -> Admission:
        """Bounds what is under way for the model."""
        return self.model.admission

    def with_model(self, model: LoadedModel) -> "Runtime":
        """The runtime of requests that embed with another model.

        Galleries of this one's model refuse what the other embeds, and the other way round.
        """
        return replace(self, model=model, gallery=self.gallery.of_model(model.identity))

    def require_room(self, urgency: Urgency) -> None:
        """Refuse a tracklet, before it is read, if not even one frame of it would be let in.

        Raises:
            NotReady: While the service drains.
            Overloaded: When too many frames are under way, or it could not be answered in time.
        """
        self.admission.require_room(self.embedder.items_of(1), urgency)

    async def embed(
        self, source: TrackletSource, *, urgency: Urgency = PATIENT
    ) -> EmbeddedTracklet:
        """Embed the frames of one tracklet.

        Raises:
            NoReadableFrame: When not one frame can be decoded.
            QuotaExceeded: When whoever asks may not have so many frames embedded now.
            Overloaded: When too many frames are under way, or it could not be answered in time.
            InferenceFailed: When the runtime fails on this tracklet.
        """
        most = most_frames(source, self.settings.max_frames)
        # How many a video has is known when it has been decoded.
        spent = 1 if isinstance(source, VideoOfCrops) else most
        with self.admission.reserve(self.embedder.items_of(most), urgency) as reservation:
            # What is refused for want of room is not counted.
            spend_frames(spent)
            with timed("decode"):
                decoded = await self.decoder.decode(source)
            spend_frames(decoded.received - spent)
            reservation.shrink(self.embedder.items_of(len(decoded.frames)))
            embedding = await self.embedder.embed(decoded.frames, urgency=urgency)
        return EmbeddedTracklet(embedding, decoded)


@asynccontextmanager
async def open_runtime(
    settings: Settings,
    report: Callable[[str], None],
    *,
    observer: BatchObserver | None = None,
    on_lost: Callable[[BackendLost], None] | None = None,
) -> AsyncIterator[Runtime]:
    """Open every part off the event loop; on leaving, close them in reverse.

    Args:
        settings: The service's settings.
        report: Told what is being done, for `/readyz`.
        observer: Told of the model's batches.
        on_lost: Called once, by a thread, when the model's device is gone for good.

    Raises:
        ArtifactError: When the artifact breaks its contract or the golden clip is not reproduced.
        ReidError: When the store cannot be opened, or belongs to another process.
    """
    watch = ModelWatch(report, observer, on_lost)
    async with AsyncExitStack() as parts:
        model = await open_model(settings.artifact_dir, settings, watch)
        parts.push_async_callback(model.close)

        report("reading the galleries")
        gallery = gallery_service(settings, model.manifest)
        parts.push_async_callback(gallery.close)
        await gallery.start()
        forgets = forgetting(settings, gallery)
        parts.push_async_callback(asyncio.to_thread, forgets.close)
        forgets.start()
        yield Runtime(settings, model, gallery, forgets)
