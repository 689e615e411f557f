"""Synthetic worlds on disk: a tree of tracklets for a service, Market-1501's files for training.

A directory appears whole or not at all: it is filled under a temporary name and then renamed. Files
are not synced one by one, since the same seed writes them again.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from training.data.synthetic import FRAMES_PER_SECOND, SyntheticTracklet, SyntheticWorld
from training.data.synthetic_writing import Progress, check_range, new_directory, save_frame

_FIRST_HOUR = datetime(2026, 1, 5, 8, tzinfo=UTC)
_MARKET_FRAMES_PER_SECOND = 25
_MARKET_BOX = 1


def write_tracklet_tree(
    world: SyntheticWorld,
    directory: Path,
    *,
    recordings: int = 1,
    frames: int = 8,
    progress: Progress | None = None,
) -> None:
    """Write `gallery/` and `query/`, one directory per tracklet with a `tracklet.json` beside it.

    Each identity is asked about once, from a camera in which the gallery does not have it, so that
    every right answer is one across cameras. `person-03_camera-2_0` is `world.tracklet(3, 2, 0)`.

    Args:
        world: What to write; at least 2 cameras.
        directory: Created; may exist when it is empty.
        recordings: Gallery tracklets per identity and camera.
        frames: Frames per tracklet, at most 1,000: names of three digits sort in time order.
        progress: Called after each tracklet with (written, all).

    Raises:
        ValueError: When `directory` is in use or a number is outside its range.
    """
    check_range("cameras", world.cameras, 2, None)
    check_range("recordings", recordings, 1, None)
    check_range("frames", frames, 1, 1000)
    asked = [("query", person, person % world.cameras, 0) for person in range(world.identities)]
    known = [
        ("gallery", person, camera, recording)
        for person in range(world.identities)
        for camera in range(world.cameras)
        if camera != person % world.cameras
        for recording in range(recordings)
    ]
    tracklets = known + asked
    with new_directory(directory) as root:
        for written, (part, *numbers) in enumerate(tracklets, start=1):
            _write_tracklet(root / part, world, world.tracklet(*numbers, frames=frames))
            if progress is not None:
                progress(written, len(tracklets))


def write_market1501(
    world: SyntheticWorld,
    directory: Path,
    *,
    recordings: int = 1,
    frames: int = 8,
    progress: Progress | None = None,
) -> None:
    """Write `bounding_box_train/` with names as in Market-1501: `0002_c1s1_000451_03.jpg`.

    Identity, camera and recording count from 1 in the names: Market-1501 has no 0 among them but
    for the identity 0000, which means a distractor. Every identity passes every camera.

    Args:
        world: What to write; at most 9,999 identities and 9 cameras, as the names allow.
        directory: The data set's root; created; may exist when it is empty.
        recordings: Tracklets per identity and camera, at most 9.
        frames: Frames per tracklet, at most 1,000.
        progress: Called after each tracklet with (written, all).

    Raises:
        ValueError: When `directory` is in use or a number is outside its range.
    """
    check_range("identities", world.identities, 1, 9999)
    check_range("cameras", world.cameras, 1, 9)
    check_range("recordings", recordings, 1, 9)
    check_range("frames", frames, 1, 1000)
    tracklets = [
        (person, camera, recording)
        for person in range(world.identities)
        for camera in range(world.cameras)
        for recording in range(recordings)
    ]
    with new_directory(directory) as root:
        folder = root / "bounding_box_train"
        folder.mkdir()
        for written, numbers in enumerate(tracklets, start=1):
            tracklet = world.tracklet(*numbers, frames=frames)
            for position, frame in enumerate(tracklet.frames):
                save_frame(frame, folder / _market_name(tracklet, position))
            if progress is not None:
                progress(written, len(tracklets))


def _market_name(tracklet: SyntheticTracklet, position: int) -> str:
    time_s = tracklet.start_s + position / FRAMES_PER_SECOND
    moment = round(time_s * _MARKET_FRAMES_PER_SECOND)
    place = f"c{tracklet.camera + 1}s{tracklet.recording + 1}"
    return f"{tracklet.identity + 1:04d}_{place}_{moment:06d}_{_MARKET_BOX:02d}.jpg"


def _write_tracklet(part: Path, world: SyntheticWorld, tracklet: SyntheticTracklet) -> None:
    digits = max(2, len(str(world.identities - 1)))
    identity, camera = f"person-{tracklet.identity:0{digits}d}", f"camera-{tracklet.camera}"
    folder = part / f"{identity}_{camera}_{tracklet.recording}"
    folder.mkdir(parents=True)
    for position, frame in enumerate(tracklet.frames):
        save_frame(frame, folder / f"{position:03d}.jpg")
    sidecar = {
        "identity": identity,
        "camera": camera,
        "start": _moment(tracklet.recording, tracklet.start_s),
        "end": _moment(tracklet.recording, tracklet.end_s),
        "attributes": dict(world.look(tracklet.identity).attributes()),
    }
    (folder / "tracklet.json").write_text(json.dumps(sidecar, indent=2) + "\n", encoding="utf-8")


def _moment(recording: int, time_s: float) -> str:
    """ISO 8601; each recording is an hour of its own."""
    moment = _FIRST_HOUR + timedelta(hours=recording, seconds=time_s)
    return moment.isoformat(timespec="milliseconds")
