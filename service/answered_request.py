"""What is known of a request once it has ended, for the log, the metrics and its trace."""

from dataclasses import dataclass

from service.stage_times import StageTimes

CLIENT_CLOSED_REQUEST = 499
"""The status of a request whose client left before the answer; it is never sent."""


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """One request, without its path: that holds ids of tracklets and people.

    Attributes:
        request_id: Also in its answer.
        method: One that HTTP knows; `OTHER` in place of any other.
        route: Template of the route; `unmatched` without one.
        status: Of the answer.
        error_code: Code of the error that it was answered with; None without one.
        began_s: Moment of the monotonic clock.
        duration_s: From then to its end.
        sent_bytes: Of the answer's body.
        stages: What took how long.
        traceparent: As the caller sent it.
        key_name: Name of the caller's API key; None without one.
    """

    request_id: str
    method: str
    route: str
    status: int
    error_code: str | None
    began_s: float
    duration_s: float
    sent_bytes: int
    stages: StageTimes
    traceparent: str | None
    key_name: str | None = None
