"""The names under which other conventions may ask for the model that is served."""

from service.errors import ModelNotFound
from service.runtime import Runtime

ANY_MODEL = "reid"
"""Whatever is served."""


def require_served(runtime: Runtime, name: str, version: str | None = None) -> None:
    """Check that the model asked for is the one that is served.

    Args:
        runtime: What is served.
        name: The model's name, its fingerprint, or `reid` for whatever is served.
        version: The model's version; None for whichever is served.

    Raises:
        ModelNotFound: When it is another one.
    """
    served = runtime.manifest.model
    known = name in (served.name, served.fingerprint, ANY_MODEL)
    if known and version in (None, served.version):
        return
    asked = name if version is None else f"{name} version {version}"
    raise ModelNotFound(
        expected=f"model {served.name!r} version {served.version!r}, "
        f"or {ANY_MODEL!r} for whatever is served",
        received=f"{asked[:80]!r}",
        remedy="GET /model says what is served",
    )
