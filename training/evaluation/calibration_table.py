"""A calibration as a person reads it on a terminal."""

from rich.console import Console
from rich.table import Table

from model.calibration import Calibration

_HEADINGS = ("FAR", "similarity", "basis", "DIR", "FAR held out", "DIR held out")


def print_calibration(calibration: Calibration, console: Console) -> None:
    """Write thresholds, what they rest on, and how well the probability keeps its word."""
    searches, probability, lead = calibration.searches, calibration.probability, calibration.lead
    table = Table(
        title=f"{searches.known} known and {searches.unknown} unknown searches by "
        f"{searches.unknown_tracklets} tracklets, {searches.gallery_tracklets} tracklets of "
        f"{searches.gallery_identities} people in the gallery; rates in percent"
    )
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    for one in calibration.thresholds:
        held_out = one.held_out
        table.add_row(
            f"{100 * one.false_accept_rate:g}",
            f"{one.similarity:.4f}",
            one.basis,
            f"{100 * one.detection_rate:.2f}",
            "not measured"
            if held_out is None
            else f"{100 * held_out.false_accept_rate:.3f} ± {100 * held_out.deviation:.3f}",
            "not measured" if held_out is None else f"{100 * held_out.detection_rate:.2f}",
        )
    console.print(table)
    for line in (
        *(
            f"FAR {100 * rate:g} %: too few unknown tracklets to say anything"
            for rate in calibration.unresolved_rates
        ),
        f"probability: slope {probability.slope:.3f}, intercept {probability.intercept:.3f}; "
        f"held out: Brier {probability.brier:.4f}, "
        f"calibration error {probability.calibration_error:.4f}",
        f"ambiguous within {lead.similarity:.4f}; beyond, {100 * lead.precision:.2f} % of accepted "
        "searches for known people name the right one",
    ):
        console.print(line, highlight=False, markup=False)
