"""What the thread of a replica does: have an index built, serve it, and follow the store."""

import logging

from service.errors import ReidError
from service.gallery.gallery_errors import (
    GalleryNotFound,
    LogTrimmed,
    ReplicaDiverged,
    StoreUnavailable,
)
from service.gallery.replica.replica_builder import FollowedIndex, ReplicaBuilder, ReplicaStopped
from service.gallery.replica.replica_parts import ReplicaParts
from service.gallery.replica.replica_status import Phase
from service.log import log_event

logger = logging.getLogger(__name__)


class ReplicaLoop:
    """Runs on one thread, from the start of a replica to its stop.

    Args:
        parts: What it shares with the other parts of the replica.
        builder: Builds an index, and compares it with the store.
    """

    def __init__(self, parts: ReplicaParts, builder: ReplicaBuilder) -> None:
        self._info, self._options, self._clock = parts.info, parts.options, parts.clock
        self._served, self._keeper, self._marks = parts.served, parts.keeper, parts.marks
        self._builder = builder
        self._is_cut_off = False
        self._told: tuple[Phase, str] | None = None
        """Why it last stopped serving, so that it is logged once."""
        self.divergences = 0

    def run(self) -> None:
        """Keep the index equal to the store until told to stop."""
        try:
            while not self._builder.stopping.is_set():
                self._live()
        except ReplicaStopped:
            self._served.withdraw("stopped", "the service stops")
        except Exception as error:  # noqa: BLE001 nothing may be served that nobody keeps
            self._served.withdraw("dead", f"its thread ended with {type(error).__name__}")
            log_event(logger, logging.ERROR, "replica_died", error=error, gallery=self._info.name)

    def _live(self) -> None:
        """Build, serve and follow, until that cannot go on."""
        is_serving = False
        try:
            followed = self._builder.build()
            self._served.serve(followed.built.index)
            is_serving, self._told = True, None
            self._follow(followed)
        except (GalleryNotFound, ReplicaDiverged, StoreUnavailable) as error:
            self._fall(error, was_serving=is_serving)

    def _follow(self, followed: FollowedIndex) -> None:
        """Apply writes as they come, until stopped.

        Raises:
            ReplicaDiverged: When the index and the store differ.
            LogTrimmed: When the next entry is no longer in the log.
            GalleryNotFound: When the store has no such gallery any more.
        """
        compared_s = self._clock()
        while not self._builder.stopping.is_set():
            try:
                if self._clock() - compared_s >= self._options.heartbeat_s:
                    compared_s = self._clock()
                    self._builder.compare(followed)
                followed.follower.follow(self._info.gallery_id, wait_s=self._options.wait_s)
                view = followed.built.index.view
                self._served.heard_of(view.state.seq)
                self._marks.applied(view.state.seq)
                self._note_contact(None)
            except LogTrimmed:
                raise
            except StoreUnavailable as error:
                self._note_contact(error)
                self._builder.stopping.wait(self._options.retry_s)
                continue
            self._keeper.start_if_due(view, self._served.damaged_ids())

    def _fall(self, error: ReidError, *, was_serving: bool) -> None:
        """Stop serving, say why, and wait as long as it makes sense."""
        phase: Phase
        if isinstance(error, ReplicaDiverged):
            self.divergences += was_serving
            self._marks.diverged()
            phase, pause_s = ("rebuilding", 0.0)
            if not was_serving:
                phase, pause_s = "drifted", self._options.rescan_s
        elif isinstance(error, GalleryNotFound):
            phase, pause_s = "gone", self._options.heartbeat_s
        elif isinstance(error, LogTrimmed):
            phase, pause_s = "rebuilding", 0.0
        else:
            phase, pause_s = "unreachable", self._options.retry_s
        if (phase, str(error)) != self._told:
            self._told = (phase, str(error))
            log_event(
                logger,
                logging.ERROR,
                "replica_withdrawn",
                gallery=self._info.name,
                phase=phase,
                reason=str(error),
            )
        self._served.withdraw(phase, str(error))
        self._builder.stopping.wait(pause_s)

    def _note_contact(self, error: StoreUnavailable | None) -> None:
        """Say once that the store is away, and once that it is back."""
        if (error is not None) == self._is_cut_off:
            return
        self._is_cut_off = error is not None
        event, level = ("store_lost", logging.WARNING) if error else ("store_back", logging.INFO)
        log_event(logger, level, event, gallery=self._info.name, reason=str(error or ""))
