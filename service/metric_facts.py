"""What the metrics of a scrape are made of."""

from service.errors import NotReady
from service.gallery_metrics import GalleryFacts
from service.lifecycle import Lifecycle
from service.runtime import Runtime
from service.service_metrics import ModelFacts, ServiceFacts


def gallery_facts(lifecycle: Lifecycle) -> GalleryFacts | None:
    """Of the galleries; None while the service is not ready."""
    runtime = _runtime(lifecycle)
    if runtime is None:
        return None
    return GalleryFacts(runtime.gallery.catalogue.statuses(), runtime.forgetting)


def service_facts(lifecycle: Lifecycle) -> ServiceFacts:
    """Of the process and its model."""
    runtime = _runtime(lifecycle)
    return ServiceFacts(
        alive=lifecycle.illness() is None,
        ready=runtime is not None and lifecycle.unreadiness() is None,
        model=None if runtime is None else _model_facts(runtime),
    )


def _model_facts(runtime: Runtime) -> ModelFacts:
    identity, served = runtime.manifest.model, runtime.embedder.served
    return ModelFacts(
        name=identity.name,
        version=identity.version,
        fingerprint=identity.fingerprint,
        backend=served.backends[0],
        precision=served.precision,
        items_under_way=runtime.admission.held_items,
    )


def _runtime(lifecycle: Lifecycle) -> Runtime | None:
    try:
        return lifecycle.runtime()
    except NotReady:
        return None
