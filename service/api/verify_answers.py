"""What the service answers about a comparison of a gallery's copies."""

from dataclasses import asdict

from service.api.answers import Answer
from service.gallery.replica.verify_report import VerifyReport


class CheckAnswer(Answer):
    """One comparison: what was compared, and what was found."""

    name: str
    agrees: bool
    detail: str


class VerifyAnswer(Answer):
    """Every comparison of one gallery, on one replica, after one write."""

    gallery: str
    gallery_id: str
    replica: str
    agrees: bool
    seq: int
    tracklets: int
    damaged: list[str]
    checks: list[CheckAnswer]


def verify_answer(report: VerifyReport, replica: str) -> VerifyAnswer:
    """The report of this replica, as it is answered and printed."""
    return VerifyAnswer.model_validate(
        {**asdict(report), "agrees": report.agrees, "replica": replica}
    )
