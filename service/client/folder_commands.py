"""`reid enroll` and `reid search`: tracklet folders to a running service, and what to print."""

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import BaseModel
from rich.console import Console

from service.api.answers import EnrollAnswer, SearchAnswer
from service.api.schemas import SearchOptionsBody
from service.client.bulk import Outcome, for_each
from service.client.client import ReidClient
from service.client.progress_bar import progress_bar
from service.client.ranking_table import rank_1_line, ranking_table, warning_lines
from service.client.readiness import await_ready
from service.client.tracklet_folder import TrackletFolder, find_tracklets

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class BulkOptions:
    """How to talk to the service.

    Attributes:
        url: Address of the service.
        concurrency: Requests under way at a time.
        most_frames: Frames sent of a tracklet; of a longer one, evenly spaced ones.
        as_json: Whether to print JSON instead of text.
        api_key: Sent with every request; None where the service asks for none.
    """

    url: str
    concurrency: int
    most_frames: int
    as_json: bool
    api_key: str | None = None


def enroll_folder(root: Path, gallery: str, options: BulkOptions) -> int:
    """Enroll every tracklet at or below `root`; the exit status: 0 when all were acknowledged.

    Raises:
        TrackletFolderError: When `root` holds no tracklets.
        ReidClientError: When the service is not ready to begin with.
    """

    def enroll(client: ReidClient, folder: TrackletFolder) -> EnrollAnswer:
        frames = folder.read_frames(options.most_frames)
        return client.enroll(folder.tracklet_id, frames, folder.metadata, gallery=gallery)

    outcomes = _for_every_tracklet("enroll", root, enroll, options)
    if options.as_json:
        _print_json("enrolled", outcomes)
    else:
        answers = [outcome.answer for outcome in outcomes if outcome.answer is not None]
        created = sum(answer.created for answer in answers)
        print(  # noqa: T201
            f"enrolled {len(answers)} of {len(outcomes)} tracklets in gallery {gallery!r}: "
            f"{created} new, {len(answers) - created} replaced"
        )
    return _report_trouble(outcomes, options)


def search_folder(root: Path, query: SearchOptionsBody, options: BulkOptions) -> int:
    """Search with every tracklet at or below `root`; the exit status: 0 when all were answered.

    The camera of a query is that of its `tracklet.json`.

    Raises:
        TrackletFolderError: When `root` holds no tracklets.
        ReidClientError: When the service is not ready to begin with.
    """

    def search(client: ReidClient, folder: TrackletFolder) -> SearchAnswer:
        asked = query.model_copy(update={"camera": folder.metadata.camera})
        return client.search(folder.read_frames(options.most_frames), asked)

    outcomes = _for_every_tracklet("search", root, search, options)
    if options.as_json:
        _print_json("queries", outcomes)
    else:
        Console().print(ranking_table(outcomes))
        if line := rank_1_line(outcomes):
            print(line)  # noqa: T201
    for line in warning_lines(outcomes):
        _warn(line)
    return _report_trouble(outcomes, options)


def _for_every_tracklet(
    verb: str,
    root: Path,
    call: Callable[[ReidClient, TrackletFolder], Answer],
    options: BulkOptions,
) -> list[Outcome[Answer]]:
    folders = find_tracklets(root)
    with ReidClient(options.url, api_key=options.api_key) as client:
        await_ready(client)
        return _with_progress(verb, folders, lambda folder: call(client, folder), options)


def _with_progress(
    verb: str,
    folders: Sequence[TrackletFolder],
    call: Callable[[TrackletFolder], Answer],
    options: BulkOptions,
) -> list[Outcome[Answer]]:
    """Outcomes by tracklet id, with a bar on standard error while they come in."""
    outcomes: list[Outcome[Answer]] = []
    stream = for_each(folders, call, concurrency=options.concurrency)
    with progress_bar(verb, len(folders)) as advance, closing(stream):
        try:
            for outcome in stream:
                outcomes.append(outcome)
                advance(1)
        except KeyboardInterrupt:
            outcomes += _interrupted(folders, outcomes)
    return sorted(outcomes, key=lambda outcome: outcome.folder.tracklet_id)


def _interrupted(
    folders: Sequence[TrackletFolder], outcomes: Sequence[Outcome[Answer]]
) -> list[Outcome[Answer]]:
    known = {outcome.folder.tracklet_id for outcome in outcomes}
    text = "no answer before the command was interrupted; it is safe to run it again"
    return [
        Outcome(folder, error_code="interrupted", error=text)
        for folder in folders
        if folder.tracklet_id not in known
    ]


def _print_json(name: str, outcomes: Sequence[Outcome[Answer]]) -> None:
    done = [
        {"tracklet_id": outcome.folder.tracklet_id, **outcome.answer.model_dump()}
        for outcome in outcomes
        if outcome.answer is not None
    ]
    failed = [
        {
            "tracklet_id": outcome.folder.tracklet_id,
            "code": outcome.error_code,
            "message": outcome.error,
        }
        for outcome in outcomes
        if outcome.answer is None
    ]
    print(orjson.dumps({name: done, "failed": failed}).decode("utf-8"))  # noqa: T201


def _report_trouble(
    outcomes: Sequence[Outcome[EnrollAnswer]] | Sequence[Outcome[SearchAnswer]],
    options: BulkOptions,
) -> int:
    """Say on standard error what was refused, skipped or thinned out; 1 when something failed."""
    failed = 0
    thinned = 0
    for outcome in outcomes:
        thinned += len(outcome.folder.frames) > options.most_frames
        if outcome.answer is None:
            failed += 1
            _warn(f"{outcome.folder.tracklet_id}: {outcome.error_code}: {outcome.error}")
        elif outcome.answer.frames is not None:
            for frame in outcome.answer.frames.rejected:
                _warn(f"{outcome.folder.tracklet_id}: frame {frame.index} left out: {frame.reason}")
    if thinned:
        _warn(
            f"{thinned} tracklets have more than {options.most_frames} frames; "
            "evenly spaced ones were sent"
        )
    if failed:
        _warn(f"{failed} of {len(outcomes)} tracklets failed; {_remedy(outcomes)}")
    return 1 if failed else 0


def _remedy(
    outcomes: Sequence[Outcome[EnrollAnswer]] | Sequence[Outcome[SearchAnswer]],
) -> str:
    codes = {outcome.error_code for outcome in outcomes if outcome.answer is None}
    if codes <= {"unauthorized", "forbidden"}:
        return "give a key that may do this: reid --api-key-file FILE, or TRACKLET_REID_KEY"
    return "run the command again to retry"


def _warn(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201
