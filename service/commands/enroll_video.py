"""`reid enroll-video`: a camera's video and the tracks in it, to tracklets of a gallery."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.api.schemas import DEFAULT_GALLERY
from service.commands.command_line import DEFAULT_URL, AsJson, Url, fail

if TYPE_CHECKING:
    from service.client.client import ReidClient
    from service.client.mot_tracks import MotTracks
    from service.client.video_enrolment import TrackOutcome, VideoSource, VideoTarget

Fps = Annotated[float | None, typer.Option(min=0.001, help="Otherwise what the video says.")]
Start = Annotated[
    str | None,
    typer.Option(
        help="When the first picture was taken: ISO 8601 with an offset, or Unix seconds."
    ),
]
Prefix = Annotated[
    str | None,
    typer.Option(help="Of tracklet ids, before the track's number; else the file's name."),
]
ClassId = Annotated[int, typer.Option(help="Which class is people, where tracks name one.")]
Most = Annotated[
    int | None, typer.Option(min=1, help="Frames of a tracklet; otherwise what the model takes.")
]


def enroll_video(  # noqa: PLR0913, PLR0917 each is an option of the command line
    video: Annotated[Path, typer.Argument(help="A video that one camera took.")],
    tracks: Annotated[Path, typer.Argument(help="Its tracks, as text in MOT format.")],
    camera: Annotated[str, typer.Option(help="Which camera.")],
    start: Start = None,
    fps: Fps = None,
    prefix: Prefix = None,
    class_id: ClassId = 1,
    most_frames: Most = None,
    gallery: Annotated[str, typer.Option(help="Which gallery.")] = DEFAULT_GALLERY,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests at a time.")] = 4,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Enroll each track of a video as a tracklet; done again, it enrolls what is missing."""
    from service.client.mot_tracks import MotTracksError, read_mot_tracks
    from service.client.readiness import await_ready
    from service.client.video_crops import VideoError
    from service.client.video_enrolment import VideoSource, VideoTarget
    from service.commands.gallery_connection import connected
    from service.errors import ReidError

    try:
        source = VideoSource(video, camera, _start_s(start), fps, prefix or f"{video.stem}-")
        found = read_mot_tracks(tracks, class_id=class_id)
        with connected(url) as client:
            await_ready(client)
            most = most_frames or client.model().preprocessing.most_frames
            target = VideoTarget(gallery, most, concurrency)
            outcomes, broke_off = _enrolled(client, source, target, found)
    except (MotTracksError, ReidError, VideoError) as error:
        fail(str(error))
    _report(outcomes, found, as_json=as_json)
    if broke_off is not None:
        fail(broke_off)
    if any(outcome.error_code for outcome in outcomes):
        raise typer.Exit(1)


def _start_s(start: str | None) -> float | None:
    from service.api.timestamps import query_seconds

    try:
        return None if start is None else query_seconds(start)
    except ValueError as error:
        fail(f"expected --start to be {error}, received {start!r}; correct it")


def _enrolled(
    client: "ReidClient", source: "VideoSource", target: "VideoTarget", found: "MotTracks"
) -> tuple[list["TrackOutcome"], str | None]:
    """Outcomes by tracklet id, and why there are no more of them."""
    from service.client.progress_bar import progress_bar
    from service.client.video_crops import VideoError
    from service.client.video_enrolment import VideoEnrolment

    outcomes: list[TrackOutcome] = []
    broke_off = None
    stream = VideoEnrolment(client, source, target).outcomes(found)
    with progress_bar("enroll", len(found.tracks)) as advance, closing(stream):
        try:
            for outcome in stream:
                outcomes.append(outcome)
                advance(1)
        except VideoError as error:
            broke_off = str(error)
        except KeyboardInterrupt:
            broke_off = "interrupted; run the command again to enroll what is missing"
    return sorted(outcomes, key=lambda outcome: outcome.tracklet_id), broke_off


def _report(outcomes: Sequence["TrackOutcome"], found: "MotTracks", *, as_json: bool) -> None:
    if as_json:
        _print_json(outcomes, found)
        return
    answers = [outcome.answer for outcome in outcomes if outcome.answer is not None]
    already = sum(outcome.already for outcome in outcomes)
    created = sum(answer.created for answer in answers)
    typer.echo(
        f"enrolled {len(answers)} of {len(found.tracks)} tracks: {created} new, "
        f"{len(answers) - created} replaced, {already} there already"
    )
    if found.left_out:
        typer.echo(f"{found.left_out} lines not to be considered were left out", err=True)
    for outcome in outcomes:
        if outcome.error_code is not None:
            typer.echo(f"{outcome.tracklet_id}: {outcome.error_code}: {outcome.error}", err=True)


def _print_json(outcomes: Sequence["TrackOutcome"], found: "MotTracks") -> None:
    import orjson

    said = {
        "enrolled": [
            outcome.answer.model_dump() for outcome in outcomes if outcome.answer is not None
        ],
        "already": [outcome.tracklet_id for outcome in outcomes if outcome.already],
        "failed": [
            {
                "tracklet_id": outcome.tracklet_id,
                "code": outcome.error_code,
                "message": outcome.error,
            }
            for outcome in outcomes
            if outcome.error_code is not None
        ],
        "lines_left_out": found.left_out,
    }
    typer.echo(orjson.dumps(said).decode("utf-8"))
