"""Whether the artifact is whole, and whether what is to run it runs it right."""

from service.doctor.finding import Finding, failed, ok
from service.inference.artifact import open_artifact
from service.inference.embedder import Embedder
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
    try:
        embedder = Embedder(open_artifact(settings.artifact_dir), settings)
    except ValueError as error:
        return failed("inference", error)
    try:
        embedder.start()
        return ok("inference", f"{embedder.backend_name} reproduces the golden clip")
    except ValueError as error:
        return failed("inference", error)
    finally:
        embedder.close()
