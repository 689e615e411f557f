import os

import pytest

from service import cpu_count
from service.cpu_count import usable_cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


@pytest.fixture
def cores(tmp_path):
    def cores(own, files):
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return usable_cores(cgroup_root=tmp_path / "root", own_cgroups=tmp_path / "own")

    return cores


def test_affinity_counts_where_no_cgroup_limits(cores):
    assert cores("", {}) == 8


def test_affinity_counts_where_there_is_no_cgroup(tmp_path):
    assert usable_cores(cgroup_root=tmp_path, own_cgroups=tmp_path / "none") == 8


def test_v2_quota_of_the_own_group(cores):
    assert cores("0::/pod/box\n", {"pod/box/cpu.max": "200000 100000\n"}) == 2


def test_v2_quota_of_a_group_above(cores):
    files = {"pod/box/cpu.max": "max 100000\n", "pod/cpu.max": "300000 100000\n"}

    assert cores("0::/pod/box\n", files) == 3


def test_v2_tightest_quota_counts(cores):
    files = {"pod/box/cpu.max": "500000 100000\n", "pod/cpu.max": "300000 100000\n"}

    assert cores("0::/pod/box\n", files) == 3


def test_v2_quota_at_the_root_of_a_container(cores):
    assert cores("0::/path/of/the/host\n", {"cpu.max": "200000 50000\n"}) == 4


def test_v1_quota(cores):
    files = {
        "cpu,cpuacct/box/cpu.cfs_quota_us": "200000\n",
        "cpu,cpuacct/box/cpu.cfs_period_us": "100000\n",
    }

    assert cores("4:memory:/box\n3:cpu,cpuacct:/box\n", files) == 2


def test_v1_without_a_quota(cores):
    files = {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}

    assert cores("1:cpu:/\n", files) == 8


@pytest.mark.parametrize(("quota", "expected"), [(150_000, 2), (50_000, 1), (1_000, 1)])
def test_fraction_is_rounded_up(cores, quota, expected):
    assert cores("0::/\n", {"cpu.max": f"{quota} 100000\n"}) == expected


def test_quota_above_the_affinity_changes_nothing(cores):
    assert cores("0::/\n", {"cpu.max": "9900000 100000\n"}) == 8


def test_this_machine_has_a_core():
    assert 1 <= usable_cores() <= 8


def test_machine_without_affinity_counts_its_processors(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(cpu_count.os, "cpu_count", lambda: 5)

    assert usable_cores(cgroup_root=tmp_path, own_cgroups=tmp_path / "none") == 5
