"""What the gallery says of itself to Prometheus.

No label and no value is personal: no id of a tracklet, identity or camera. A gallery's name is one
that some caller chose, so there may be any number of them and they may be anything; only those
that the operator lists are labels, and all others together are the gallery `other`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.gallery.forgetting import Forgetting
from service.gallery.replica.replica_status import ReplicaStatus

OTHER = "other"

Combine = Literal["sum", "max"]


@dataclass(frozen=True, slots=True)
class GalleryFacts:
    """What is known at the moment of a scrape.

    Attributes:
        replicas: Status of each gallery's replica in this process.
        forgetting: What erases, sweeps and audits.
    """

    replicas: Sequence[ReplicaStatus]
    forgetting: Forgetting


@dataclass(frozen=True, slots=True)
class _OfReplica:
    """One metric of a replica; several galleries that share a label are combined."""

    kind: type[GaugeMetricFamily] | type[CounterMetricFamily]
    name: str
    says: str
    value: Callable[[ReplicaStatus], float | None]
    combine: Combine = "sum"


_OF_REPLICAS = (
    _OfReplica(
        GaugeMetricFamily,
        "reid_gallery_ready",
        "Galleries that this replica serves",
        lambda status: float(status.is_ready),
    ),
    _OfReplica(
        GaugeMetricFamily,
        "reid_gallery_tracklets",
        "Tracklets that searches see",
        lambda status: None if status.state is None else status.state.tracklets,
    ),
    _OfReplica(
        GaugeMetricFamily,
        "reid_gallery_seq",
        "Number of the last write that searches see",
        lambda status: None if status.state is None else status.state.seq,
        "max",
    ),
    _OfReplica(
        GaugeMetricFamily,
        "reid_gallery_lag_writes",
        "Writes of the store that searches do not see yet",
        lambda status: status.lag,
        "max",
    ),
    _OfReplica(
        GaugeMetricFamily,
        "reid_gallery_stale_seconds",
        "Since the store was last heard of",
        lambda status: status.stale_for_s,
        "max",
    ),
    _OfReplica(
        GaugeMetricFamily,
        "reid_gallery_damaged_rows",
        "Rows of the store that are damaged and not served",
        lambda status: len(status.damaged),
    ),
    _OfReplica(
        CounterMetricFamily,
        "reid_gallery_divergences",
        "Times that the index was found to differ from the store",
        lambda status: status.divergences,
    ),
    _OfReplica(
        CounterMetricFamily,
        "reid_gallery_rebuilds",
        "Times that the index was made from all rows of the store",
        lambda status: status.rebuilds,
    ),
    _OfReplica(
        GaugeMetricFamily,
        "reid_gallery_snapshot_age_seconds",
        "Since this process last wrote a snapshot",
        lambda status: status.snapshot_age_s,
        "max",
    ),
    _OfReplica(
        CounterMetricFamily,
        "reid_gallery_snapshots",
        "Snapshots that were written",
        lambda status: status.snapshots,
    ),
    _OfReplica(
        CounterMetricFamily,
        "reid_gallery_snapshot_failures",
        "Snapshots that could not be written",
        lambda status: status.snapshot_failures,
    ),
)

_OF_FORGETTING: tuple[
    tuple[
        type[GaugeMetricFamily] | type[CounterMetricFamily],
        str,
        str,
        Callable[[Forgetting], float],
    ],
    ...,
] = (
    (
        GaugeMetricFamily,
        "reid_erasures_pending",
        "Erasures that are not final",
        lambda forgetting: forgetting.erasures.pending,
    ),
    (
        GaugeMetricFamily,
        "reid_erasures_overdue",
        "Erasures that are not final after their deadline",
        lambda forgetting: forgetting.erasures.overdue,
    ),
    (
        CounterMetricFamily,
        "reid_retention_sweeps",
        "Sweeps for tracklets that have expired",
        lambda forgetting: forgetting.sweeper.sweeps,
    ),
    (
        CounterMetricFamily,
        "reid_retention_deleted",
        "Tracklets that were deleted because they had expired",
        lambda forgetting: forgetting.sweeper.deleted,
    ),
    (
        GaugeMetricFamily,
        "reid_retention_paused",
        "1 while nothing is deleted because the store's clock was set back",
        lambda forgetting: float(forgetting.sweeper.paused),
    ),
    (
        CounterMetricFamily,
        "reid_audit_dropped",
        "Entries of the audit log for which there was no room",
        lambda forgetting: forgetting.audit.dropped,
    ),
    (
        GaugeMetricFamily,
        "reid_audit_waiting",
        "Entries of the audit log that are not written yet",
        lambda forgetting: forgetting.audit.waiting,
    ),
)


class GalleryMetrics(Collector):
    """Asked by Prometheus; reads what is known at that moment.

    Args:
        listed: Names of galleries that may be labels.
        facts: What is known now; None while the service is not ready.
    """

    def __init__(self, listed: Sequence[str], facts: Callable[[], GalleryFacts | None]) -> None:
        self._listed = frozenset(listed)
        self._facts = facts

    def collect(self) -> Iterable[Metric]:
        """What is known now."""
        facts = self._facts()
        if facts is None:
            return
        for metric in _OF_REPLICAS:
            yield self._of_replicas(metric, facts.replicas)
        for kind, name, says, value in _OF_FORGETTING:
            yield kind(name, says, value(facts.forgetting))

    def _of_replicas(self, metric: _OfReplica, replicas: Sequence[ReplicaStatus]) -> Metric:
        family = metric.kind(metric.name, metric.says, labels=["gallery"])
        combined: dict[str, float] = {}
        for status in replicas:
            value = metric.value(status)
            if value is None:
                continue
            label = status.gallery if status.gallery in self._listed else OTHER
            before = combined.get(label, 0.0)
            together = before + value if metric.combine == "sum" else max(before, value)
            combined[label] = together
        for label, value in sorted(combined.items()):
            family.add_metric([label], value)
        return family
