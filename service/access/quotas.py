"""How much each key may ask: counted in windows, refused with the seconds until the next one."""

import math
import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from service.access.principal import Principal
from service.access.refusals import QuotaExceeded

WINDOW_S = 10
"""Long enough that a tracklet of many frames fits a small quota, and a burst a small rate."""


class Quotas:
    """Counts what each key asks for, in this process; call it from one thread.

    A key may have `rate * WINDOW_S` in each window; the next window begins with its first request.
    """

    def __init__(self) -> None:
        self._limiter: FixedWindowRateLimiter | None = None

    def spend_request(self, principal: Principal) -> None:
        """Count one request.

        Raises:
            QuotaExceeded: When the key has made as many as it may; this one was not counted.
        """
        if principal.requests_per_s is not None:
            self._spend(principal, "requests", 1, principal.requests_per_s)

    def spend_frames(self, principal: Principal, frames: int) -> None:
        """Count frames that are to be embedded.

        Raises:
            QuotaExceeded: When the key may not have so many; none of them was counted.
        """
        if principal.frames_per_s is not None and frames > 0:
            self._spend(principal, "frames", frames, principal.frames_per_s)

    def _spend(self, principal: Principal, what: str, amount: int, rate: float) -> None:
        limiter = self._limiter = self._limiter or FixedWindowRateLimiter(MemoryStorage())
        most = max(1, math.floor(rate * WINDOW_S))
        window = RateLimitItemPerSecond(most, WINDOW_S, namespace="keys")
        of_whom = (principal.name or "", what)
        # Asked first: a request that is refused must not use up what others could have had.
        if limiter.test(window, *of_whom, cost=amount):
            limiter.hit(window, *of_whom, cost=amount)
            return
        if amount > most:
            raise QuotaExceeded(
                expected=f"at most {most} {what} at a time by this key",
                received=f"{amount}",
                remedy="send shorter tracklets, or ask for a larger quota",
            )
        left_s = limiter.get_window_stats(window, *of_whom).reset_time - time.time()
        raise QuotaExceeded(
            expected=f"at most {most} {what} in {WINDOW_S} s by this key",
            received=f"{amount} more",
            remedy="send it again after Retry-After, or ask for a larger quota",
            retry_after_s=max(1, math.ceil(left_s)),
        )
