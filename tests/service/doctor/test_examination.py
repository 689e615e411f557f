import pytest

from service.doctor import examination
from service.doctor.examination import CHECKS, examine


@pytest.fixture
def chosen(artifact_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("REID_INFERENCE_THREADS", "1")
    monkeypatch.setenv("REID_PORT", "0")
    monkeypatch.setenv("REID_ADMIN_PORT", "0")
    return {"artifact_dir": artifact_dir, "data_dir": tmp_path / "data"}


def test_every_part_has_a_finding_under_its_name(chosen):
    found = list(examine(chosen))
    assert [finding.part for finding in found] == ["settings", *(part for part, _ in CHECKS)]
    assert [finding for finding in found if finding.state == "fail"] == []
    assert [
        finding for finding in found if (finding.remedy is None) != (finding.state == "ok")
    ] == []


def test_settings_that_are_wrong_are_the_only_finding(chosen, monkeypatch):
    monkeypatch.setenv("REID_PROT", "8000")
    (finding,) = examine(chosen)
    assert (finding.part, finding.state) == ("settings", "fail")
    assert finding.remedy == "did you mean REID_PORT?"


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(chosen, monkeypatch):
    def breaks(settings):
        raise OSError("no such device")

    monkeypatch.setattr(examination, "CHECKS", (("disk", breaks), *CHECKS[:1]))
    _, disk, packages = examine(chosen)
    assert (disk.part, disk.state, disk.found) == ("disk", "fail", "OSError: no such device")
    assert packages.part == "packages"
