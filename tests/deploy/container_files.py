"""Dockerfile and docker-compose.yml as values, for tests that run what they say."""

import json
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"


@dataclass
class Stage:
    """One `FROM` of the Dockerfile: its name, its parent, and its instructions in order."""

    name: str
    parent: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all_of(self, instruction: str) -> list[str]:
        """What follows every such instruction."""
        return [said for name, said in self.steps if name == instruction]


@cache
def dockerfile_stages() -> dict[str, Stage]:
    """Every stage by its name, in the order of the file."""
    stages: dict[str, Stage] = {}
    for instruction, said in _instructions():
        if instruction == "FROM":
            parent, _, name = said.split()
            stages[name] = Stage(name, parent)
        elif stages:
            list(stages.values())[-1].steps.append((instruction, said))
    return stages


def lineage(name: str) -> list[Stage]:
    """The stages that the image `name` is made of, its oldest ancestor first."""
    stages = dockerfile_stages()
    found: list[Stage] = []
    while name in stages:
        found.insert(0, stages[name])
        name = stages[name].parent
    return found


def last_of(name: str, instruction: str) -> str:
    """What holds in the image: the last such instruction of its lineage."""
    return [said for stage in lineage(name) for said in stage.all_of(instruction)][-1]


def exec_form(said: str) -> list[str]:
    """The words of ENTRYPOINT, CMD or HEALTHCHECK; only the exec form, which no shell reads."""
    words = json.loads(said[said.index("[") :])
    assert all(isinstance(word, str) for word in words)
    return words


def image_environment(name: str) -> dict[str, str]:
    """Every ENV of the image."""
    pairs = [
        pair
        for stage in lineage(name)
        for said in stage.all_of("ENV")
        for pair in shlex.split(said)
    ]
    return dict(pair.split("=", 1) for pair in pairs)


def compose_config(*more: Path, environment: dict[str, str] | None = None) -> dict:
    """The compose file, and more over it, as a compose client understands them."""
    files = [word for path in (COMPOSE_FILE, *more) for word in ("--file", str(path))]
    done = subprocess.run(
        [*_compose_client(), *files, "config"],
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def _compose_client() -> list[str]:
    plugin = ["docker", "compose"]
    if shutil.which("docker") and _succeeds([*plugin, "version"]):
        return plugin
    client = shutil.which("docker-compose")
    assert client, (
        "expected a compose client, received none; run `make test`, or "
        "apt-get install --yes --no-install-recommends docker-compose"
    )
    return [client]


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _instructions() -> list[tuple[str, str]]:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    code = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    logical = [line.strip() for line in code.replace("\\\n", " ").splitlines() if line.strip()]
    return [(line.split(None, 1)[0], " ".join(line.split(None, 1)[1].split())) for line in logical]
