"""What is known of one part of what a start needs."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor.

    Attributes:
        part: What was looked at.
        state: `fail` keeps the service from starting or from serving; `warn` does not.
        found: What is there.
        remedy: What to do; None where nothing has to be done.
    """

    part: str
    state: State
    found: str
    remedy: str | None = None


def ok(part: str, found: str) -> Finding:
    """All is well."""
    return Finding(part, "ok", found)


def warn(part: str, found: str, remedy: str) -> Finding:
    """The service starts, and somebody should know."""
    return Finding(part, "warn", found, remedy)


def fail(part: str, found: str, remedy: str) -> Finding:
    """The service does not start, or does not serve."""
    return Finding(part, "fail", found, remedy)


def failed(part: str, error: BaseException) -> Finding:
    """What a start would end with; its text says `expected ..., received ...; remedy`."""
    found, _, remedy = str(error).rpartition("; ")
    return fail(part, found or str(error), remedy if found else "see the message")
