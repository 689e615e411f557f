"""Tracks of one camera's video to a gallery: each track is a tracklet, each id comes out the same.

So the command can be repeated: what is enrolled already, from the same boxes of the same video, is
left alone. That is told by a digest among the tracklet's attributes.
"""

import hashlib
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from model.manifest import FrameChoice
from service.api.answers import EnrollAnswer
from service.api.schemas import MetadataBody
from service.client.bulk import with_retries
from service.client.client import ReidClient
from service.client.connection import ReidClientError
from service.client.mot_tracks import MotTracks, Track
from service.client.video_crops import (
    LEAST_SIDE_PX,
    CutTrack,
    PlannedTrack,
    VideoError,
    VideoFacts,
    cut_tracks,
    plan_track,
    video_facts,
)
from service.gallery.records import check_identifier

SOURCE = "source"
"""Attribute of the digest of what a tracklet was cut from."""
_DIGEST_ENDS = 2**20
_DIGEST_DIGITS = 32


@dataclass(frozen=True, slots=True)
class VideoSource:
    """A video and what is known of it.

    Attributes:
        path: The file.
        camera: Which camera took it.
        start_s: When its first picture was taken, Unix seconds; None where that is not known.
        fps: Pictures a second; None takes what the file says.
        prefix: Of the ids of its tracklets; the number of the track follows.
    """

    path: Path
    camera: str
    start_s: float | None
    fps: float | None
    prefix: str


@dataclass(frozen=True, slots=True)
class VideoTarget:
    """Where tracklets go: gallery, frames of each at most, and requests at a time."""

    gallery: str
    most_frames: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class TrackOutcome:
    """What became of a track: an answer, nothing to do, or the code and text of an error."""

    tracklet_id: str
    answer: EnrollAnswer | None = None
    already: bool = False
    error_code: str | None = None
    error: str | None = None


class VideoEnrolment:
    """Enrolls the tracks of a video; ask once for `outcomes`.

    Args:
        client: To a service that is ready.
        source: The video.
        target: Where its tracklets go.

    Raises:
        VideoError: When the video cannot be read, or nobody knows how fast it is.
        InvalidIdentifier: When camera or prefix make a name that cannot be.
    """

    def __init__(self, client: ReidClient, source: VideoSource, target: VideoTarget) -> None:
        check_identifier("camera", source.camera)
        check_identifier("tracklet id", f"{source.prefix}1")
        self._client = client
        self._source = source
        self._target = target
        facts = video_facts(source.path)
        self._facts = VideoFacts(source.fps or facts.fps, facts.width, facts.height)
        if not self._facts.fps > 0:
            raise VideoError(
                "expected a video that says how many pictures it has a second, received none; "
                "say it by --fps"
            )
        self._file_digest = _file_digest(source.path)

    def outcomes(self, tracks: MotTracks) -> Generator[TrackOutcome, None, None]:
        """One outcome for each track, in the order in which they are known.

        Raises:
            VideoError: When the video breaks off; what came before is enrolled.
            ReidClientError: When the service does not say what it holds.
        """
        left: list[PlannedTrack] = []
        for track in tracks.tracks:
            outcome = self._before(track, left)
            if outcome is not None:
                yield outcome
        yield from self._sent(left)

    def _before(self, track: Track, left: list[PlannedTrack]) -> TrackOutcome | None:
        """The outcome of a track that need not be cut; others are added to `left`."""
        tracklet_id = self._id_of(track)
        choice = FrameChoice(policy="evenly_spaced", most=self._target.most_frames)
        planned = plan_track(track, self._facts, choice)
        if not planned.boxes:
            text = f"expected a box of {LEAST_SIDE_PX} px inside the picture, received none"
            return TrackOutcome(tracklet_id, error_code="outside", error=f"{text}; check the boxes")
        try:
            held = with_retries(lambda: self._client.get(tracklet_id, gallery=self._target.gallery))
        except ReidClientError as error:
            if error.code != "tracklet_not_found":
                raise
        else:
            if held.attributes.get(SOURCE) == self._digest(planned):
                return TrackOutcome(tracklet_id, already=True)
        left.append(planned)
        return None

    def _sent(self, left: Sequence[PlannedTrack]) -> Iterator[TrackOutcome]:
        """Cut and send, a few at a time, so that no more than those are held."""
        most = 2 * self._target.concurrency
        stopping = Event()
        pool = ThreadPoolExecutor(self._target.concurrency, thread_name_prefix="enroll")
        running: set[Future[TrackOutcome]] = set()
        unseen = {one.track.track_id: one for one in left}
        try:
            for cut in cut_tracks(self._source.path, left):
                del unseen[cut.planned.track.track_id]
                running.add(pool.submit(self._enroll, cut, stopping))
                while len(running) >= most:
                    ended, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in ended)
            while running:
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in ended)
        finally:
            stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)
        for one in unseen.values():
            text = f"expected a video of {one.boxes[-1].frame} frames, received a shorter one"
            yield TrackOutcome(
                self._id_of(one.track),
                error_code="beyond_the_end",
                error=f"{text}; name the video that was tracked",
            )

    def _enroll(self, cut: CutTrack, stopping: Event) -> TrackOutcome:
        tracklet_id = self._id_of(cut.planned.track)
        metadata = self._metadata(cut.planned)
        gallery = self._target.gallery
        try:
            answer = with_retries(
                lambda: self._client.enroll(tracklet_id, cut.frames, metadata, gallery=gallery),
                sleep=stopping.wait,
            )
        except ReidClientError as error:
            return TrackOutcome(tracklet_id, error_code=error.code, error=error.message)
        return TrackOutcome(tracklet_id, answer=answer)

    def _id_of(self, track: Track) -> str:
        return f"{self._source.prefix}{track.track_id}"

    def _metadata(self, planned: PlannedTrack) -> MetadataBody:
        first, last = (self._time_of(planned.track.boxes[place].frame) for place in (0, -1))
        return MetadataBody(
            camera=self._source.camera,
            start=first,
            end=last,
            attributes={SOURCE: self._digest(planned)},
        )

    def _time_of(self, frame: int) -> float | None:
        start_s = self._source.start_s
        return None if start_s is None else start_s + (frame - 1) / self._facts.fps

    def _digest(self, planned: PlannedTrack) -> str:
        """Of all that makes the tracklet: file, boxes, camera and times."""
        first, last = (self._time_of(planned.track.boxes[place].frame) for place in (0, -1))
        said = repr((self._file_digest, planned.boxes, self._source.camera, first, last))
        return hashlib.sha256(said.encode()).hexdigest()[:_DIGEST_DIGITS]


def _file_digest(path: Path) -> str:
    """Of the size, the first and the last bytes: hours of video are not read twice."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as stream:
        digest.update(stream.read(_DIGEST_ENDS))
        stream.seek(max(0, size - _DIGEST_ENDS))
        digest.update(stream.read(_DIGEST_ENDS))
    return digest.hexdigest()
