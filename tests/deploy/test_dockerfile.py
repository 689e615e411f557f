"""What the image is made of, and what it never contains."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.container_files import (
    ROOT,
    dockerfile_stages,
    exec_form,
    image_environment,
    last_of,
    lineage,
)

TARGETS = ("cpu", "gpu")


def locked(name):
    """Packages and versions of a lock."""
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", text, re.MULTILINE))


def test_the_linter_finds_nothing():
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_without_a_target_the_image_for_cpus_is_built():
    assert list(dockerfile_stages())[-1] == "cpu"


@pytest.mark.parametrize("target", TARGETS)
def test_the_process_is_nobody_important_and_hears_sigterm(target):
    user, group = last_of(target, "USER").split(":")
    assert int(user) >= 1000
    assert int(group) >= 1000
    assert exec_form(last_of(target, "ENTRYPOINT")) == ["reid"]
    assert exec_form(last_of(target, "CMD")) == ["serve"]
    assert last_of(target, "STOPSIGNAL") == "SIGTERM"


@pytest.mark.parametrize("target", TARGETS)
def test_the_health_check_asks_without_a_shell(target):
    assert exec_form(last_of(target, "HEALTHCHECK")) == [
        "python",
        "-m",
        "service.probe",
        "/healthz",
    ]


@pytest.mark.parametrize("target", TARGETS)
def test_galleries_are_in_a_volume_and_the_model_is_in_the_image(target):
    environment = image_environment(target)
    assert last_of(target, "VOLUME") == environment["REID_DATA_DIR"] == "/data"
    copied = [said for stage in lineage(target) for said in stage.all_of("COPY")]
    assert f"artifacts/dcct-light {environment['REID_ARTIFACT_DIR']}" in copied
    assert (ROOT / "artifacts/dcct-light/manifest.json").is_file()


def test_the_environment_has_every_module_of_the_model_that_the_service_imports():
    script = (
        "import sys, service.__main__, service.serving;"
        "print(*sorted(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'model'))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = {Path(file).relative_to(ROOT).as_posix() for file in loaded.stdout.split()}
    copied = " ".join(dockerfile_stages()["cpu-environment"].all_of("COPY")).split()
    assert "model/manifest.py" in imported
    assert imported <= set(copied)


@pytest.mark.parametrize("target", TARGETS)
def test_what_sqlite_writes_aside_goes_to_the_volume(target):
    """VACUUM needs room for the whole file, and the root is read-only beside a small /tmp."""
    assert image_environment(target)["SQLITE_TMPDIR"] == last_of(target, "VOLUME")


@pytest.mark.parametrize("target", TARGETS)
def test_the_final_image_takes_only_the_environment_and_installs_nothing(target):
    stages = lineage(target)
    copied = [said for stage in stages for said in stage.all_of("COPY")]
    assert [said for said in copied if "--from" in said] == [
        f"--from={target}-environment /opt/reid /opt/reid"
    ]
    runs = " ".join(said for stage in stages for said in stage.all_of("RUN"))
    assert "pip uninstall --yes --root-user-action ignore pip" in runs
    assert not re.search(r"apt|curl|wget|gcc|pip install", runs)


@pytest.mark.parametrize("target", TARGETS)
def test_every_wheel_is_checked_against_a_digest(target):
    runs = [said for stage in lineage(f"{target}-environment") for said in stage.all_of("RUN")]
    installs = [part for said in runs for part in said.split("&&") if "install --no-deps" in part]
    for line in installs:
        own = line.split()[-1] == "."
        assert own or {"--require-hashes", "--only-binary"} <= set(line.split()), line


@pytest.mark.parametrize("lock", ["service.lock", "gpu.lock"])
def test_no_lock_of_the_image_has_torch(lock):
    assert not {"torch", "torchvision", "timm", "onnx", "triton"} & set(locked(lock))


def test_the_cuda_build_takes_the_place_of_the_other_one_at_the_same_version():
    gpu, cpu = locked("gpu.lock"), locked("service.lock")
    assert gpu["onnxruntime-gpu"] == cpu["onnxruntime"]
    assert "onnxruntime" not in gpu
    assert {name: cpu[name] for name in gpu.keys() & cpu.keys()} == {
        name: gpu[name] for name in gpu.keys() & cpu.keys()
    }
    steps = " ".join(dockerfile_stages()["gpu-environment"].all_of("RUN"))
    assert steps.index("uninstall --yes onnxruntime") < steps.index("requirements/gpu.lock")


def test_the_image_has_the_version_of_the_package():
    (version,) = re.findall(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert f'org.opencontainers.image.version="{version}"' in last_of("cpu", "LABEL")


def test_what_is_copied_is_all_that_the_service_loads(tmp_path):
    for said in dockerfile_stages()["cpu-environment"].all_of("COPY"):
        *sources, target = said.split()
        for source in sources:
            place = tmp_path / target
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place)
            else:
                place = place / Path(source).name if target.endswith("/") else place
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)
    program = (
        "import sys, service.serving, service.app, service.client.client, service.__main__, model\n"
        "print(model.__file__)\n"
        "print(sorted({'torch', 'onnx', 'training'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split("\n")[:2] == [str(tmp_path / "model/__init__.py"), "[]"], done.stderr


def test_the_build_context_holds_no_data_no_secret_and_no_test():
    rules = (ROOT / ".dockerignore").read_text().split("\n")
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    assert rules[1] == "*"
    for said in dockerfile_stages()["cpu-environment"].all_of("COPY"):
        for source in said.split()[:-1]:
            assert any(Path(source).match(rule) for rule in kept), source
    for private in ("data", "runs", ".venv", "tests", "deploy", "samples", "training", ".git"):
        assert not any(rule == private or rule.startswith(f"{private}/") for rule in kept)
