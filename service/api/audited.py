"""How a route writes the audit log: in the name of whoever sent the request."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from service.api.caller import RequestCaller
from service.api.dependencies import OpenRuntime
from service.gallery.audit import AuditLog, Caller, Deed


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit log as one request may write it.

    Attributes:
        log: Of the service.
        caller: Who asks.
    """

    log: AuditLog
    caller: Caller

    def note(
        self, action: str, gallery: str, subject: str | None = None, *, count: int | None = None
    ) -> None:
        """Have it written within a second; nobody waits for it."""
        self.log.note(self.caller, Deed(action, gallery, subject, count))

    async def record_each(self, action: str, gallery: str, subjects: Sequence[str]) -> None:
        """As `record`, with one entry for each subject and one that counts them."""
        for subject in subjects:
            self.note(action, gallery, subject)
        # Entries are written in their order, so that the others are durable with this one.
        await self.record(action, gallery, count=len(subjects))

    async def record(
        self, action: str, gallery: str, subject: str | None = None, *, count: int | None = None
    ) -> None:
        """Have it durable before anything is done.

        Raises:
            Overloaded: When too many entries wait.
            StoreUnavailable: When it could not be written; then nothing may be done.
        """
        deed = Deed(action, gallery, subject, count)
        await asyncio.wrap_future(self.log.record(self.caller, deed))


async def request_audit(runtime: OpenRuntime, caller: RequestCaller) -> Audit:
    """The audit log, in the name of the request's sender."""
    return Audit(runtime.forgetting.audit, caller)


RequestAudit = Annotated[Audit, Depends(request_audit)]
