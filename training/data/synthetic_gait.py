"""A walking body as joints: where hips, knees, hands and feet are at a phase of the gait.

The body is built in its own three axes (lateral to its left, forward, up; unit: body height) and
then turned and projected, so one model of walking serves every direction a camera may see it from.
"""

from dataclasses import dataclass
from math import cos, pi, sin

from training.data.synthetic_person import Build

_SHOULDER_UP = 0.815
_HIP_UP = 0.50
_THIGH = 0.235
_SHIN = 0.225
_UPPER_ARM = 0.165
_FOREARM = 0.16


@dataclass(frozen=True)
class Pose:
    """A moment of walking, as a camera sees it.

    Attributes:
        phase_rad: Position in the gait cycle; one left and one right step per 2π.
        facing_rad: 0 walks towards the camera, π/2 to the right of the frame, π away from it.
        tilt_rad: How far the camera looks down.
    """

    phase_rad: float
    facing_rad: float
    tilt_rad: float

    def project(self, lateral: float, forward: float, up: float) -> "Joint":
        """Turn a point of the body (units of body height) to where the camera sees it."""
        across = lateral * cos(self.facing_rad) + forward * sin(self.facing_rad)
        depth = forward * cos(self.facing_rad) - lateral * sin(self.facing_rad)
        return Joint(across, up - depth * sin(self.tilt_rad), depth)


@dataclass(frozen=True)
class Joint:
    """A projected point: `x` to the right, `y` up, `depth` towards the camera; body heights."""

    x: float
    y: float
    depth: float


@dataclass(frozen=True)
class Limb:
    """An arm or a leg: shoulder, elbow, hand, or hip, knee, ankle; `toe` is the end of the foot."""

    root: Joint
    middle: Joint
    tip: Joint
    toe: Joint

    @property
    def depth(self) -> float:
        """How near the camera the limb is, on average."""
        return (self.root.depth + self.middle.depth + self.tip.depth) / 3


@dataclass(frozen=True)
class Skeleton:
    """The joints that the body is drawn on; pairs are (left, right)."""

    pose: Pose
    bob: float
    neck: Joint
    hips: Joint
    head: Joint
    arms: tuple[Limb, Limb]
    legs: tuple[Limb, Limb]


def skeleton(build: Build, pose: Pose) -> Skeleton:
    """Put the joints of a body where they are at this moment of its walk."""
    bob = 0.012 * cos(2 * pose.phase_rad)
    left, right = pose.phase_rad, pose.phase_rad + pi
    return Skeleton(
        pose=pose,
        bob=bob,
        neck=pose.project(0, 0.01, _SHOULDER_UP + 0.02 + bob),
        hips=pose.project(0, 0, _HIP_UP + bob),
        head=pose.project(0, 0.025, 0.918 + bob),
        arms=(_arm(build, pose, left + pi, 1), _arm(build, pose, right + pi, -1)),
        legs=(_leg(build, pose, left, 1), _leg(build, pose, right, -1)),
    )


def _leg(build: Build, pose: Pose, phase_rad: float, side: int) -> Limb:
    """A leg swings like a pendulum; its knee bends while it travels forward, lifting the foot."""
    bob = 0.012 * cos(2 * pose.phase_rad)
    hip_rad = build.stride_rad * sin(phase_rad) + 0.04
    knee_rad = hip_rad - 0.08 - 0.95 * max(0.0, cos(phase_rad)) ** 1.5
    lateral = side * build.hip * 0.52
    knee_forward, knee_up = _THIGH * sin(hip_rad), _HIP_UP + bob - _THIGH * cos(hip_rad)
    ankle_forward = knee_forward + _SHIN * sin(knee_rad)
    ankle_up = knee_up - _SHIN * cos(knee_rad)
    foot_rad = 0.5 * knee_rad
    return Limb(
        root=pose.project(lateral, 0, _HIP_UP + bob),
        middle=pose.project(lateral, knee_forward, knee_up),
        tip=pose.project(lateral, ankle_forward, ankle_up),
        toe=pose.project(
            lateral * 1.15, ankle_forward + 0.075 * cos(foot_rad), ankle_up - 0.02 + 0.05 * foot_rad
        ),
    )


def _arm(build: Build, pose: Pose, phase_rad: float, side: int) -> Limb:
    bob = 0.012 * cos(2 * pose.phase_rad)
    shoulder_rad = 0.8 * build.stride_rad * sin(phase_rad)
    elbow_rad = shoulder_rad + 0.25 + 0.3 * max(0.0, sin(phase_rad))
    lateral = side * (build.shoulder - 0.012)
    outward = side * 0.022
    up = _SHOULDER_UP - 0.022 + bob
    elbow_forward = _UPPER_ARM * sin(shoulder_rad)
    elbow_up = up - _UPPER_ARM * cos(shoulder_rad)
    hand_forward = elbow_forward + _FOREARM * sin(elbow_rad)
    hand = pose.project(lateral + outward, hand_forward, elbow_up - _FOREARM * cos(elbow_rad))
    return Limb(
        root=pose.project(lateral, 0, up),
        middle=pose.project(lateral + outward, elbow_forward, elbow_up),
        tip=hand,
        toe=hand,
    )
