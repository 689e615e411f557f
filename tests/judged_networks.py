"""Networks judged on tracklets that ask about each other."""

from rich.progress import Progress

from training.evaluation.compare import Candidate, ComparisonSettings, judge
from training.evaluation.retrieval_task import RetrievalTask


def judge_itself(network, tracklets, **settings):
    """The tracklets as one task, every one against all others."""
    everyone = tuple(tracklets)
    task = RetrievalTask("folder", query=everyone, gallery=everyone, asks_itself=True)
    candidate = Candidate(network, weights_sha256="0" * 64)
    with Progress(disable=True) as progress:
        (judged,) = judge(candidate, [task], ComparisonSettings(**settings), progress=progress)
    return judged
