"""Made-up tracklets of made-up people, so that no real person is needed to test, show or explain.

A world is a seed, a number of identities and a number of cameras. An identity's look depends on
(seed, identity), an outfit on (seed, identity, outfit), a camera's look on (seed, camera), a
tracklet on (seed, identity, camera, recording): nothing depends on the order in which tracklets are
asked for, on the number of identities, or on Python's hash seed. The same seed gives the same bytes
under the locked versions of numpy and Pillow.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import pi, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from training.data.synthetic_background import panorama, window
from training.data.synthetic_body import Placement, draw_person
from training.data.synthetic_camera import CameraLook, camera_look
from training.data.synthetic_gait import Pose
from training.data.synthetic_occluder import Occluder, occluder
from training.data.synthetic_person import PersonLook, person_look

FRAMES_PER_SECOND = 6.0

_IDENTITY, _CAMERA, _BACKGROUND, _WALK, _NOISE, _OUTFIT = range(1, 7)


@dataclass(frozen=True)
class SyntheticTracklet:
    """One walk of one identity past one camera.

    Attributes:
        identity: Number of the person, from 0.
        camera: Number of the camera, from 0.
        recording: Which pass of this person before this camera, from 0.
        frames: RGB `[t, h, w, 3]`, in time order.
        masks: `[t, h, w]`, true where the person is drawn and nothing is in front.
        start_s: When the walk starts, in seconds from the start of the recording.
        occluded: Whether something crosses in front of the person.
    """

    identity: int
    camera: int
    recording: int
    frames: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    start_s: float
    occluded: bool

    @property
    def end_s(self) -> float:
        """When the walk ends, in seconds from the start of the recording."""
        return self.start_s + len(self.frames) / FRAMES_PER_SECOND


@dataclass(frozen=True)
class SyntheticWorld:
    """A seed, with as many identities and cameras as are wanted; tracklets are made on request.

    Attributes:
        seed: 0 to 2**32 - 1; another seed is another world.
        identities: People, at least 1.
        cameras: Cameras, at least 1.
        height: Height of a frame, in pixels; at least 32.
        width: Width of a frame, in pixels; at least 16.
        occlusion: Share of tracklets in which something crosses in front of the person, 0..1.

    Raises:
        ValueError: When a value is outside its range.
    """

    seed: int
    identities: int
    cameras: int
    height: int = 256
    width: int = 128
    occlusion: float = 0.3

    def __post_init__(self) -> None:
        _check("seed", self.seed, 0, 2**32 - 1)
        _check("identities", self.identities, 1, None)
        _check("cameras", self.cameras, 1, None)
        _check("height", self.height, 32, 4096)
        _check("width", self.width, 16, 4096)
        _check("occlusion", self.occlusion, 0, 1)

    def tracklet(
        self, identity: int, camera: int, recording: int = 0, *, frames: int = 8, outfit: int = 0
    ) -> SyntheticTracklet:
        """Make one tracklet; a longer one begins with the frames of a shorter one.

        Args:
            identity: From 0 to `identities` - 1.
            camera: From 0 to `cameras` - 1.
            recording: From 0; another recording is another walk of the same person.
            frames: Length, at least 1; `FRAMES_PER_SECOND` apart in time.
            outfit: From 0; another outfit is the same walk in other clothes.

        Raises:
            ValueError: When a number is outside its range.
        """
        _check("identity", identity, 0, self.identities - 1)
        _check("camera", camera, 0, self.cameras - 1)
        _check("recording", recording, 0, 2**32 - 1)
        _check("frames", frames, 1, None)
        _check("outfit", outfit, 0, 2**32 - 1)
        rng = np.random.default_rng([self.seed, _WALK, identity, camera, recording])
        # Noise takes a number per pixel: with a generator of its own, a walk is the same walk in
        # frames of any size.
        noise = np.random.default_rng([self.seed, _NOISE, identity, camera, recording])
        look, seen_by = self.look(identity, outfit), self.camera(camera)
        walk = _walk(look, seen_by, rng, occlusion=self.occlusion)
        scene = _panorama(self.seed, camera, self.height, self.width)
        times_s = [frame / FRAMES_PER_SECOND for frame in range(frames)]
        shots = [_shoot(walk, scene, time_s=time_s, rng=rng) for time_s in times_s]
        recorded = [walk.camera.capture(np.asarray(shot.picture), noise) for shot in shots]
        return SyntheticTracklet(
            identity=identity,
            camera=camera,
            recording=recording,
            frames=np.stack(recorded),
            masks=np.stack([shot.mask for shot in shots]),
            start_s=walk.start_s,
            occluded=walk.occluder is not None,
        )

    def look(self, identity: int, outfit: int = 0) -> PersonLook:
        """How an identity looks in every camera, in one of its outfits."""
        look = person_look(np.random.default_rng([self.seed, _IDENTITY, identity]))
        if outfit == 0:
            return look
        clothes = person_look(np.random.default_rng([self.seed, _OUTFIT, identity, outfit]))
        return replace(
            clothes,
            build=look.build,
            skin=look.skin,
            hair=look.hair,
            hair_colour=look.hair_colour,
        )

    def camera(self, camera: int) -> CameraLook:
        """What a camera does to whatever it records."""
        return camera_look(np.random.default_rng([self.seed, _CAMERA, camera]))


@dataclass(frozen=True)
class _Walk:
    """What stays the same, or changes steadily, while one tracklet is recorded."""

    look: PersonLook
    camera: CameraLook
    start_s: float
    phase_rad: float
    facing_rad: float
    turn_rad_per_s: float
    place: float
    shift: tuple[float, float]
    occluder: Occluder | None


@dataclass(frozen=True)
class _Shot:
    picture: Image.Image
    mask: NDArray[np.bool_]


def _walk(
    look: PersonLook, camera: CameraLook, rng: np.random.Generator, *, occlusion: float
) -> _Walk:
    # Always drawn, so that occlusion changes what is in front and nothing else.
    something, luck = occluder(rng), rng.random()
    return _Walk(
        look=look,
        camera=camera,
        start_s=round(float(rng.uniform(0, 3600)), 2),
        phase_rad=float(rng.uniform(0, 2 * pi)),
        facing_rad=float(rng.choice(camera.directions_rad) + rng.normal(0, 0.2)),
        turn_rad_per_s=float(rng.normal(0, 0.12)),
        place=float(rng.uniform(0, 2)),
        shift=(
            float(camera.offset[0] + rng.normal(0, 0.02)),
            float(camera.offset[1] + rng.normal(0, 0.01)),
        ),
        occluder=something if luck < occlusion else None,
    )


def _shoot(
    walk: _Walk, scene: NDArray[np.uint8], *, time_s: float, rng: np.random.Generator
) -> _Shot:
    """What is before the camera at a moment: background, then person, then what is in front."""
    facing = walk.facing_rad + walk.turn_rad_per_s * time_s
    phase = walk.phase_rad + 2 * pi * walk.look.build.cadence_hz * time_s
    background = window(scene, walk.place + 0.12 * sin(facing) * time_s)
    height, width = background.shape[:2]
    zoom, right, down = (float(rng.normal(0, spread)) for spread in (0.015, 0.012, 0.008))
    share = walk.camera.person_share * (1 + zoom)
    placement = Placement(
        height_px=share * height,
        centre_x_px=(0.5 + walk.shift[0] + right) * width,
        feet_y_px=(0.5 + share / 2 + walk.shift[1] + down) * height,
    )
    pose = Pose(phase, facing, walk.camera.tilt_rad)
    picture = Image.fromarray(np.ascontiguousarray(background))
    _cast_shadow(picture, placement)
    person = draw_person(walk.look, pose, placement=placement, height=height, width=width)
    picture.paste(person, mask=person)
    mask = np.asarray(person.getchannel("A")) >= 128
    if walk.occluder is not None:
        in_front = walk.occluder.draw(time_s, height=height, width=width)
        picture.paste(in_front, mask=in_front)
        mask &= np.asarray(in_front.getchannel("A")) < 128
    return _Shot(picture, mask)


def _cast_shadow(picture: Image.Image, placement: Placement) -> None:
    """Darkens the ground around the feet, without which a person seems to float."""
    shade = Image.new("L", picture.size)
    x, y, reach = placement.centre_x_px, placement.feet_y_px, 0.16 * placement.height_px
    ImageDraw.Draw(shade).ellipse((x - reach, y - reach / 5, x + reach, y + reach / 5), fill=110)
    shade = shade.filter(ImageFilter.BoxBlur(reach / 8))
    picture.paste((0, 0, 0), mask=shade)


@lru_cache(maxsize=32)
def _panorama(seed: int, camera: int, height: int, width: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng([seed, _BACKGROUND, camera])
    scene = panorama(rng, height=height, width=width)
    scene.setflags(write=False)
    return scene


def _check(name: str, value: float, least: float, most: float | None) -> None:
    if value >= least and (most is None or value <= most):
        return
    wanted = f"{least} or more" if most is None else f"{least} to {most}"
    raise ValueError(f"expected {name} of {wanted}, received {value}; choose a value in that range")
