"""How a replica keeps time and space."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReplicaOptions:
    """Settings of one replica.

    Attributes:
        heartbeat_s: The store's state is compared with the index this often.
        wait_s: A read of the log waits so long for the next write.
        retry_s: Pause after a failure, before the store is asked again.
        stale_after_s: Without the store for longer, the replica is not ready; searches go on.
        most_lag: Writes that it may be behind and still be ready.
        rescan_s: Pause before all rows are read again, when they were not what the store counts.
        snapshot_every_s: A snapshot is written this often, if there were writes.
        snapshot_every_writes: And after so many writes.
        snapshot_retry_s: Pause after a snapshot that failed.
        mark_every_s: A replica says this often how far it has come.
        log_kept_s: A replica that has said nothing for longer keeps no log from being trimmed.
        log_entries_kept: Of the log, however many snapshots there are.
    """

    heartbeat_s: float = 1.0
    wait_s: float = 0.25
    retry_s: float = 0.5
    stale_after_s: float = 30.0
    most_lag: int = 5000
    rescan_s: float = 10.0
    snapshot_every_s: float = 300.0
    snapshot_every_writes: int = 100_000
    snapshot_retry_s: float = 60.0
    mark_every_s: float = 10.0
    log_kept_s: float = 86_400.0
    log_entries_kept: int = 1_000_000
