"""The model card's section on unknown people: every number is the manifest's."""

from model.calibration import Calibration, Threshold
from training.export.card_tables import paragraph, table

CALIBRATION_HEADING = "## Same person or unknown"

_HEADS = (
    "false-accept rate",
    "least similarity",
    "basis",
    "DIR",
    "held out: false accepts",
    "held out: DIR",
)


def calibration_section(calibration: Calibration | None, command: str) -> str:
    """Thresholds, what they do to people they were not fitted to, and how it was measured."""
    if calibration is None:
        return 'Not calibrated: no threshold for "unknown" is given, nor a probability.'
    told = [
        paragraph(
            "A search for a person who is not in the gallery is answered `unknown`, but for the "
            "false-accept rate of the threshold; measured on held-out identities, in percent:"
        ),
        table(_HEADS, (_row(one) for one in calibration.thresholds)),
        paragraph(_searches(calibration)),
        paragraph(_probability(calibration)),
    ]
    if calibration.unresolved_rates:
        rates = ", ".join(f"{100 * rate:g}" for rate in calibration.unresolved_rates)
        told.append(f"Too few unknown tracklets for a threshold at {rates} %.")
    return "\n\n".join([*told, f"    {command}"])


def _row(threshold: Threshold) -> tuple[str, ...]:
    held_out = threshold.held_out
    return (
        f"{100 * threshold.false_accept_rate:g}",
        f"{threshold.similarity:.4f}",
        threshold.basis,
        f"{100 * threshold.detection_rate:.2f}",
        *(
            ("not measured", "not measured")
            if held_out is None
            else (
                f"{100 * held_out.false_accept_rate:.3f} ± {100 * held_out.deviation:.3f}",
                f"{100 * held_out.detection_rate:.2f}",
            )
        ),
    )


def _searches(calibration: Calibration) -> str:
    searches = calibration.searches
    return (
        f"Over {calibration.data}; {searches.draws} draws of {100 * searches.known_share:g} % of "
        f"the people into the gallery, {searches.gallery_tracklets} tracklets of "
        f"{searches.gallery_identities} people on average; {searches.known:,} searches for known "
        f"and {searches.unknown:,} for unknown people, by {searches.unknown_tracklets:,} different "
        "tracklets. False accepts grow with the gallery. Held out: thresholds fitted on one half "
        f"of the people, rates measured on the other, {searches.halves} times (mean ± standard "
        "deviation), with half as many in the gallery."
    )


def _probability(calibration: Calibration) -> str:
    probability, lead = calibration.probability, calibration.lead
    return (
        "Probability that a tracklet found shows the person asked about, at that gallery and "
        f"share: logistic in the similarity, slope {probability.slope:.3f}, intercept "
        f"{probability.intercept:.3f}; on held-out people Brier score {probability.brier:.4f}, "
        f"expected calibration error {probability.calibration_error:.4f}. A match is `ambiguous` "
        f"where another identity is within {lead.similarity:.4f}: of the searches for known "
        f"people that lead by more, {100 * lead.precision:.1f} % named the right person."
    )
