"""One line of the audit log; a store keeps it as the text that `audit_text` makes of it."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what, when: never an embedding, never a picture.

    Attributes:
        at_s: When, in Unix seconds.
        actor: Who asked, as far as the service knows.
        action: `search`, `erase`, `delete`, `export`, ...
        gallery: Name asked for.
        subject: Id of the tracklet or identity, or None.
        purpose: As the caller stated it, or None.
        request_id: Of the log line.
        count: Of how many tracklets, or of how many entries that are missing; None for neither.
    """

    at_s: float
    actor: str
    action: str
    gallery: str
    subject: str | None
    purpose: str | None
    request_id: str | None
    count: int | None = None


def audit_text(entry: AuditEntry) -> str:
    """The entry as JSON."""
    return json.dumps(asdict(entry), separators=(",", ":"))


def parse_audit(text: str | bytes) -> AuditEntry:
    """The entry that `audit_text` wrote."""
    return AuditEntry(**json.loads(text))
