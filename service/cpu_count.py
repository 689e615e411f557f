"""How many cores this process may really use.

A container may be scheduled on every core of its host and still be paid for two. A runtime that
sizes its threads from the host then fights its own quota.
"""

import math
import os
from pathlib import Path

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


def usable_cores(*, cgroup_root: Path = _CGROUP_ROOT, own_cgroups: Path = _OWN_CGROUPS) -> int:
    """Cores by affinity, or by the tightest cgroup quota (v1 or v2) when that is lower.

    A quota with a fraction is rounded up: one thread too many is throttled a little, one too few
    leaves paid time unused.

    Args:
        cgroup_root: Where the control groups are mounted.
        own_cgroups: The file that names this process's groups.
    """
    quotas = [
        quota
        for folder in _cpu_groups(cgroup_root, own_cgroups)
        if (quota := _quota(folder)) is not None
    ]
    return max(1, math.ceil(min([float(_cores_by_affinity()), *quotas])))


def _cores_by_affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_groups(root: Path, own_cgroups: Path) -> list[Path]:
    """This process's group and all above it: any of them may hold the quota."""
    folders: list[Path] = []
    for mount, path in _memberships(root, own_cgroups):
        group = mount / path.strip("/")
        folders += [group, *(parent for parent in group.parents if parent.is_relative_to(mount))]
    return folders


def _memberships(root: Path, own_cgroups: Path) -> list[tuple[Path, str]]:
    """Mount and path of each hierarchy that can limit the processor."""
    found = []
    for line in (_text(own_cgroups) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            found += [(root, path), (root / "unified", path)]
        elif "cpu" in controllers.split(","):
            found += [(root / "cpu", path), (root / controllers, path)]
    return found


def _quota(folder: Path) -> float | None:
    text = _text(folder / "cpu.max")
    if text is not None:
        quota, _, period = text.partition(" ")
    else:
        quota = _text(folder / "cpu.cfs_quota_us") or "max"
        period = _text(folder / "cpu.cfs_period_us") or ""
    if quota == "max" or quota.startswith("-"):
        return None
    return int(quota) / int(period or 100_000)


def _text(path: Path) -> str | None:
    # Absence is the normal case: a machine has one cgroup version, and groups without a quota.
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None
