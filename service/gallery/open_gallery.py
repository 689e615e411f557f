"""One gallery as a request sees it: resolved once, whatever becomes of its name meanwhile."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from service.errors import NotReady, ReidError
from service.gallery.failpoints import failpoint
from service.gallery.gallery_errors import ModelMismatch
from service.gallery.index.approximate_tier import ApproximateTier
from service.gallery.index.view import View
from service.gallery.replica.replica import GalleryReplica
from service.gallery.store_clock import StoreClock
from service.gallery.stores.batch import Batch, Change, IdempotencyKey, Outcome, Upsert
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GalleryStore
from service.gallery.stores.row_codec import StoredRow


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A durable write.

    Attributes:
        seq: Its number; where nothing had to be done, that of the write before.
        outcomes: Of each change, in order.
        repeated: The request had been done before, and this is what it was answered then.
        visible: Every later search of this process sees it. Where it is False the write is as
            durable, and is seen when the replica has caught up.
    """

    seq: int
    outcomes: tuple[Outcome, ...]
    repeated: bool
    visible: bool


@dataclass(frozen=True, slots=True, eq=False)
class OpenGallery:
    """A gallery of the store with this process' replica of it; any thread may use it.

    Attributes:
        name: As it was asked for: its own name or an alias.
        info: What the store knows of it.
        store: Where it is.
        replica: What is searched.
        approximate: What may be searched in its place, when it is large.
        clock: The store's.
        visible_within_s: How long a write waits to be visible.
    """

    name: str
    info: GalleryInfo
    store: GalleryStore
    replica: GalleryReplica
    approximate: ApproximateTier
    clock: StoreClock
    visible_within_s: float

    @property
    def gallery_id(self) -> str:
        """The gallery's id, which is never used again."""
        return self.info.gallery_id

    def now_s(self) -> float:
        """Unix seconds of the store's clock."""
        return self.clock.now_s()

    def require_model(self, running: GalleryModel) -> None:
        """Refuse embeddings of another model.

        Raises:
            ModelMismatch: When the gallery holds embeddings of another one; names both.
        """
        held = self.info.spec.model
        if held != running:
            raise ModelMismatch(
                expected=f"the model of gallery {self.name!r}: {held.fingerprint}, dimension "
                f"{held.dimension}",
                received=f"model {running.fingerprint}, dimension {running.dimension}",
                remedy="serve the gallery's model, or enroll again into another gallery and move "
                "the alias",
            )

    def view(self, *, min_seq: int | None = None, within_s: float = 0.0) -> View:
        """What a search sees now.

        Args:
            min_seq: A write that it must show.
            within_s: How long to wait for that write.

        Raises:
            ReplicaBehind: When the write is not shown in that time.
        """
        if min_seq is not None:
            self.replica.wait_for(min_seq, within_s)
        return self.replica.view()

    def head_view(self) -> View:
        """What a search sees once it shows every write that was acknowledged before this call.

        Raises:
            ReplicaBehind: When that takes too long.
        """
        self.replica.catch_up(self.visible_within_s)
        return self.replica.view()

    def rows(self, tracklet_ids: Sequence[str]) -> list[StoredRow | None]:
        """The stored row of each id, as it is now."""
        return self.store.rows(self.gallery_id, tracklet_ids)

    def write(
        self, changes: Sequence[Change], idempotency: IdempotencyKey | None = None
    ) -> Acknowledged:
        """Make all changes durable in one write, or none; then wait until they are visible.

        Raises:
            InvalidMetadata: When the gallery would have too many names of attributes.
            ReidError: As `GalleryStore.write` does.
        """
        batch = Batch(tuple(changes), idempotency)
        self._check_attribute_names(batch)
        failpoint("enroll.before_store")
        written = self.store.write(self.gallery_id, batch)
        failpoint("enroll.stored")
        visible = self.shows(written.seq)
        failpoint("enroll.visible")
        return Acknowledged(written.seq, written.outcomes, written.repeated, visible)

    def _check_attribute_names(self, batch: Batch) -> None:
        upserts = [change for change in batch.changes if isinstance(change, Upsert)]
        names = {name for upsert in upserts for name in upsert.metadata.attributes}
        if names:
            # A replica that serves nothing keeps nobody from writing: the store is the truth.
            with suppress(NotReady):
                self.replica.view().check_attribute_names(names)

    def shows(self, seq: int) -> bool:
        """Whether write `seq` becomes visible in time; a durable write is never called failed."""
        try:
            self.replica.wait_for(seq, self.visible_within_s)
        except ReidError:
            return False
        return True
