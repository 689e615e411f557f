"""A replica that is being started, and whoever waits for it."""

import threading

from service.errors import NotReady
from service.gallery.index.approximate_tier import ApproximateTier
from service.gallery.replica.replica import GalleryReplica


class ReplicaOpening:
    """Starts a replica on a thread of its own, since that may mean to read a whole gallery.

    Args:
        replica: Not started.
        approximate: The approximate tier of the same gallery.
    """

    def __init__(self, replica: GalleryReplica, approximate: ApproximateTier) -> None:
        self.approximate = approximate
        self._replica = replica
        self._error: BaseException | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._start, name="gallery-opening", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the replica has started, or could not."""
        return self._ended.is_set()

    @property
    def failed(self) -> bool:
        """Whether it could not."""
        return self.ended and self._error is not None

    def replica(self, within_s: float | None) -> GalleryReplica:
        """The replica once it has started.

        Args:
            within_s: How long to wait; None for as long as it takes.

        Raises:
            NotReady: When it is still starting.
            ReidError: What its start raised.
        """
        if not self._ended.wait(within_s):
            raise NotReady(
                expected="a gallery that has been read into memory",
                received="one that is still being read",
                remedy="retry in a moment",
                retry_after_s=1,
            )
        if self._error is not None:
            raise self._error
        return self._replica

    def refresh_approximate(self, *, now_s: float) -> None:
        """See to the approximate tier, where the replica serves.

        Raises:
            NotReady: When it does not.
        """
        if self.ended and not self.failed:
            self.approximate.refresh(self._replica.view, now_s=now_s)

    def stop(self) -> None:
        """Stop the replica, and end the thread."""
        self.approximate.drop()
        self._replica.stop()
        self._thread.join()

    def discard(self) -> None:
        """Stop the replica of a gallery that has been dropped, and remove its snapshots."""
        self.approximate.drop()
        self._replica.discard()
        self._thread.join()

    def _start(self) -> None:
        try:
            self._replica.start()
        except BaseException as error:  # noqa: BLE001 whoever asks for the replica gets it
            self._error = error
        finally:
            self._ended.set()
