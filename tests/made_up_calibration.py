"""A calibration with round numbers, for tests of what is answered with it."""

from pathlib import Path

from model.calibration import Calibration, HeldOutRates, Lead, Probability, Searches, Threshold
from model.manifest import Manifest, load_manifest, save_manifest


def made_up_threshold(
    rate: float, similarity: float, *, basis: str = "measured"
) -> dict[str, object]:
    return Threshold(
        false_accept_rate=rate,
        similarity=similarity,
        basis=basis,
        detection_rate=0.875,
        held_out=HeldOutRates(false_accept_rate=rate, deviation=rate / 2, detection_rate=0.8125),
    ).model_dump()


def made_up_calibration(**changes: object) -> Calibration:
    """Thresholds 0.5, 0.6 (measured) and 0.7 (extrapolated); probability ½ at similarity 0.5."""
    thresholds = (
        made_up_threshold(1e-2, 0.5),
        made_up_threshold(1e-3, 0.6),
        made_up_threshold(1e-4, 0.7, basis="extrapolated"),
    )
    fields = {
        "data": "people made up for a test",
        "searches": Searches(
            gallery_tracklets=20,
            gallery_identities=5,
            known=400,
            unknown=600,
            unknown_tracklets=40,
            known_share=0.5,
            draws=10,
            halves=4,
        ).model_dump(),
        "thresholds": thresholds,
        "unresolved_rates": (),
        "probability": Probability(
            slope=10.0, intercept=-5.0, matches_per_search=10, brier=0.0625, calibration_error=0.01
        ).model_dump(),
        "lead": Lead(similarity=0.0625, false_accept_rate=1e-2, precision=0.95).model_dump(),
    }
    return Calibration.model_validate({**fields, **changes})


def calibrate_artifact(directory: Path, calibration: Calibration | None) -> Manifest:
    """Write the calibration into the manifest of the artifact in `directory`."""
    manifest = load_manifest(directory).model_copy(update={"calibration": calibration})
    save_manifest(directory, manifest)
    return manifest
