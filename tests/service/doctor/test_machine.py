import resource

import pytest

from service.doctor import machine
from service.doctor.machine import check_cores, check_memory, check_open_files, check_packages


def test_packages_are_named_with_their_versions(settings):
    finding = check_packages(settings())
    assert finding.state == "ok"
    assert "onnxruntime" in finding.found
    assert "faiss-cpu 1." in finding.found


@pytest.mark.parametrize(
    ("absent", "missing"),
    [({"faiss-cpu"}, "faiss-cpu"), ({"onnxruntime", "onnxruntime-gpu"}, "onnxruntime")],
)
def test_a_missing_package_is_named(settings, monkeypatch, absent, missing):
    held = machine._version
    monkeypatch.setattr(machine, "_version", lambda name: None if name in absent else held(name))
    finding = check_packages(settings())
    assert finding.state == "fail"
    assert finding.found.endswith(f" without {missing}")
    assert finding.remedy == "install requirements/service.lock, as `make serve` does"


def test_either_runtime_is_enough(settings, monkeypatch):
    held = machine._version
    absent = {"onnxruntime": None, "onnxruntime-gpu": "1.23"}
    monkeypatch.setattr(machine, "_version", lambda name: absent.get(name, held(name)))
    assert check_packages(settings()).state == "ok"


def test_more_threads_than_cores_are_a_warning(settings, monkeypatch):
    monkeypatch.setattr(machine, "usable_cores", lambda: 2)
    assert check_cores(settings(inference_threads=2)).state == "ok"
    finding = check_cores(settings(inference_threads=3))
    assert finding.state == "warn"
    assert finding.found.endswith("cores may be used, and 3 threads are to run the model")
    assert finding.remedy == "set REID_INFERENCE_THREADS to 2 or less, or leave it out"


@pytest.mark.parametrize(
    ("text", "state", "found"),
    [
        ("536870912\n", "warn", "0.5 GiB may be used"),
        ("1073741824\n", "ok", "1.0 GiB may be used"),
        ("max\n", "ok", "GiB may be used"),
    ],
)
def test_the_limit_of_the_container_counts(settings, tmp_path, text, state, found):
    limit = tmp_path / "memory.max"
    limit.write_text(text)
    finding = check_memory(settings(), limits=(tmp_path / "none", limit))
    assert finding.state == state
    assert finding.found.endswith(found)
    assert (finding.remedy is None) == (state == "ok")


@pytest.mark.parametrize(
    ("most", "state", "found"),
    [
        (1024, "warn", "1024 files and connections at a time"),
        (4096, "ok", "4096 files and connections at a time"),
        (resource.RLIM_INFINITY, "ok", "any number of files and connections at a time"),
    ],
)
def test_few_open_files_are_a_warning(settings, monkeypatch, most, state, found):
    monkeypatch.setattr(resource, "getrlimit", lambda what: (most, most))
    finding = check_open_files(settings())
    assert (finding.state, finding.found) == (state, found)
