"""All that forgets, and the record of it: erasures, the sweeper and the audit log of a process."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from service.errors import ReidError
from service.gallery.audit import AuditLog
from service.gallery.catalogue import Catalogue
from service.gallery.erasable_gallery import ErasableGallery
from service.gallery.erasure_worker import ErasureWorker
from service.gallery.retention import RetentionSweeper, RetentionTimes
from service.gallery.stores.protocol import GalleryInfo, GalleryStore
from service.log import log_event

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ForgettingOptions:
    """Settings of what forgets.

    Attributes:
        times: Of the sweeper.
        erasure_deadline_s: How long an erasure waits for a replica that says nothing.
        most_waiting_audits: Entries of the audit log that may wait for the store.
    """

    times: RetentionTimes
    erasure_deadline_s: float
    most_waiting_audits: int


class Forgetting:
    """Starts and stops the three threads, and knows whether one has died.

    Args:
        catalogue: The galleries of this process; it is started and not closed while this runs.
        store: Where they are.
        options: Settings.
        name: Of this process' replicas, as in their marks.
        clock: Unix seconds, for entries of the audit log.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        store: GalleryStore,
        options: ForgettingOptions,
        *,
        name: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._catalogue = catalogue
        self._name = name
        self.audit = AuditLog(store, most_waiting=options.most_waiting_audits, clock=clock)
        self.erasures = ErasureWorker(
            store, self._erasable, name=name, deadline_s=options.erasure_deadline_s
        )
        self.sweeper = RetentionSweeper(store, self._serving, options.times)

    def start(self) -> None:
        """Begin, with the erasures that an earlier process left."""
        self.audit.start()
        self.erasures.start()
        self.sweeper.start()

    def close(self) -> None:
        """End, and write what waits for the audit log."""
        self.sweeper.close()
        self.erasures.close()
        self.audit.close()

    def problem(self) -> str | None:
        """Why this process should not be sent requests; None where it may be."""
        alive = {
            "the audit log": self.audit.alive,
            "erasures": self.erasures.alive,
            "retention": self.sweeper.alive,
        }
        dead = [name for name, lives in alive.items() if not lives]
        return f"the thread for {dead[0]} has died; restart the service" if dead else None

    def _erasable(self, info: GalleryInfo) -> ErasableGallery:
        return self._catalogue.erasable(info, name=self._name)

    def _serving(self) -> list[tuple[GalleryInfo, ErasableGallery]]:
        """Galleries that can be swept now; one that cannot does not keep the others from it."""
        found = []
        for info in self._catalogue.infos():
            try:
                gallery = self._erasable(info)
                gallery.view()
            except ReidError as error:
                log_event(logger, logging.WARNING, "gallery_not_swept", code=error.code)
            else:
                found.append((info, gallery))
        return found
