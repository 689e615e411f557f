"""How the process is and which model it serves, read at the moment of a scrape."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The served model.

    Attributes:
        name: As its manifest names it.
        version: As its manifest numbers it.
        fingerprint: Of graph, preprocessing and output.
        backend: Runtime and device that run it.
        precision: In which it is computed.
        items_under_way: Frames, or clips, that are decoded, wait or are computed.
    """

    name: str
    version: str
    fingerprint: str
    backend: str
    precision: str
    items_under_way: int


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What is known of the process.

    Attributes:
        alive: It can go on.
        ready: Callers may be sent here, as far as the model decides.
        model: None while none is served.
    """

    alive: bool
    ready: bool
    model: ModelFacts | None


class ServiceMetrics(Collector):
    """Asked by Prometheus.

    Args:
        facts: What is known now.
    """

    def __init__(self, facts: Callable[[], ServiceFacts]) -> None:
        self._facts = facts

    def collect(self) -> Iterable[Metric]:
        """What is known now."""
        facts = self._facts()
        yield GaugeMetricFamily(
            "reid_alive", "0 when only a new process can go on", float(facts.alive)
        )
        yield GaugeMetricFamily(
            "reid_ready", "1 when requests are served and none are sent away", float(facts.ready)
        )
        if facts.model is None:
            return
        yield GaugeMetricFamily(
            "reid_items_under_way",
            "Frames, or clips, from before they are decoded until their tracklet is answered",
            facts.model.items_under_way,
        )
        yield InfoMetricFamily(
            "reid_model",
            "The served model, and what runs it",
            {
                "name": facts.model.name,
                "version": facts.model.version,
                "fingerprint": facts.model.fingerprint,
                "backend": facts.model.backend,
                "precision": facts.model.precision,
            },
        )
