"""`reid-train verify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.commands.console import Json, errors_for_people

if TYPE_CHECKING:
    from training.export.verification import Verification


def verify(
    artifact: Annotated[Path, typer.Argument(help="Directory of an artifact.")],
    *,
    json: Json = False,
) -> None:
    """Check an artifact's files, golden clip and gate on this machine; status 1 when one fails."""
    from training.export.verification import verify_artifact

    with errors_for_people():
        found = verify_artifact(artifact)
    typer.echo(found.model_dump_json(indent=2) if json else _told(artifact, found))


def _told(artifact: Path, found: "Verification") -> str:
    drawn = "as at the export" if found.drawn_as_exported else "by other versions of the libraries"
    return "\n".join(
        [
            f"{artifact}: {found.name} {found.version}, {found.precision}",
            found.fingerprint,
            f"files        {found.files} with the digests of the manifest",
            f"golden clip  cosine {found.golden_cosine:.6f}",
            f"gate         least cosine {found.least_cosine:.6f}, "
            f"{found.least_cosine_allowed} allowed",
            f"retrieval    mAP {found.mean_average_precision:.2f}, of the reference "
            f"{found.reference_mean_average_precision:.2f}, {found.most_map_change} points allowed",
            f"drawn        {drawn}",
        ]
    )
