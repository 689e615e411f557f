"""Whether the artifact is whole, and whether what is to run it runs it right."""

from pathlib import Path
from tempfile import TemporaryDirectory

from service.doctor.finding import Finding, failed, ok
from service.inference.artifact import open_artifact
from service.inference.embedder import Embedder, ServedInference
from service.settings import Settings


def check_artifact(settings: Settings) -> Finding:
    """Every file of the artifact against its digest."""
    try:
        identity = open_artifact(settings.artifact_dir).manifest.model
    except ValueError as error:
        return failed("artifact", error)
    return ok("artifact", f"{identity.name} {identity.version}, {identity.fingerprint[:12]}")


def check_inference(settings: Settings) -> Finding:
    """The golden clip of the artifact, embedded by what the settings choose."""
    with TemporaryDirectory() as elsewhere:
        # What is measured is kept where a start keeps it, but no data directory is made for it.
        data_dir = settings.data_dir if settings.data_dir.is_dir() else Path(elsewhere)
        chosen = settings.model_copy(update={"data_dir": data_dir, "warmup": "off"})
        try:
            served = _proved(chosen)
        except ValueError as error:
            return failed("inference", error)
    return ok(
        "inference",
        f"{len(served.backends)} lanes of {served.backends[0]} in {served.precision} reproduce the "
        f"golden clip with cosine {served.golden_cosine:.6f}",
    )


def _proved(settings: Settings) -> ServedInference:
    embedder = Embedder(open_artifact(settings.artifact_dir), settings)
    try:
        embedder.start()
        return embedder.served
    finally:
        embedder.close()
