"""The artifact in the repository keeps the contract and its card tells the same as its manifest."""

from pathlib import Path

from model.manifest import load_manifest, verify_files

ARTIFACT = Path(__file__).resolve().parents[2] / "artifacts/dcct-light"


def test_every_file_is_the_one_that_was_published():
    manifest = load_manifest(ARTIFACT)
    verify_files(ARTIFACT, manifest)
    assert {path.name for path in ARTIFACT.iterdir()} == {*manifest.files, "manifest.json"}


def test_it_is_small_enough_for_the_repository():
    assert sum(path.stat().st_size for path in ARTIFACT.parent.rglob("*")) <= 20e6


def test_its_embedding_is_the_light_pairs():
    manifest = load_manifest(ARTIFACT)
    assert manifest.input.dtype == "uint8"
    assert (manifest.preprocessing.height, manifest.preprocessing.width) == (256, 128)
    assert {part.name: part.dimension for part in manifest.output.parts} == {
        "cnn": 1280,
        "transformer": 192,
    }


def test_the_card_tells_results_data_and_licence():
    provenance = load_manifest(ARTIFACT).provenance
    card = " ".join((ARTIFACT / "MODEL_CARD.md").read_text(encoding="utf-8").split())
    for told in (
        f"rank-1 {provenance.rank_1:.2f}, mAP {provenance.mean_average_precision:.2f}",
        "| HSV histogram |",
        "| one frame | 1 | full |",
        "| 8 frames | at most 8 | full |",
        "| cnn |",
        "| transformer |",
        provenance.data,
        "Research use only",
        "minutes",
    ):
        assert told in card
    assert not provenance.commit.endswith("-dirty")
