"""The card of an artifact, written anew beside its graph; what embeds stays as it was."""

from pathlib import Path

from model.durable_file import durable_file
from model.manifest import Manifest, file_digest, load_manifest, save_manifest, verify_files
from training.export.card_results import read_results
from training.export.description import load_card
from training.export.model_card import model_card

CARD_FILE = "MODEL_CARD.md"


def renew_card(directory: Path, card: Path) -> Manifest:
    """Render the card from the manifest, a YAML file and the results it names.

    Raises:
        ValueError: When the artifact is not as its manifest says, the card is that of another
            model, or a file of results is missing or is something else. Nothing is written then.
    """
    manifest = load_manifest(directory)
    kept = {name: digest for name, digest in manifest.files.items() if name != CARD_FILE}
    verify_files(directory, manifest.model_copy(update={"files": kept}))
    written = load_card(card)
    identity = manifest.model
    if (written.name, written.version) != (identity.name, identity.version):
        raise ValueError(
            f"expected the card of {identity.name} {identity.version}, which is in {directory}, "
            f"received that of {written.name} {written.version} in {card}; name its own card, or "
            "export again"
        )
    results = read_results(written.results, card.parent)
    return write_card(directory, manifest, model_card(manifest, written, results))


def write_card(directory: Path, manifest: Manifest, card: str) -> Manifest:
    """Write card and manifest into `directory`; returns the manifest, the card among its files."""
    path = directory / CARD_FILE
    with durable_file(path) as temporary:
        temporary.write_text(card, encoding="utf-8")
    files = dict(sorted({**manifest.files, CARD_FILE: file_digest(path)}.items()))
    renewed = manifest.model_copy(update={"files": files})
    save_manifest(directory, renewed)
    return renewed
