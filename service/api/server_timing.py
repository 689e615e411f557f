"""The header `Server-Timing`: what each stage of a request took, for whoever asked."""

from service.stage_times import StageTimes

SERVER_TIMING_HEADER = "Server-Timing"


def server_timing(times: StageTimes, total_s: float) -> str:
    """Milliseconds by stage, and `total` until the answer begins.

    What follows, for example the lines of a streamed answer, is not in it.
    """
    taken = [f"{stage};dur={seconds * 1e3:.2f}" for stage, seconds in times.seconds.items()]
    return ", ".join([*taken, f"total;dur={total_s * 1e3:.2f}"])
