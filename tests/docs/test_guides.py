"""Commands in the guides exist with their options, and the files they name are there."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from training.__main__ import app

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs").glob("*.md"))


def command_lines(guide):
    """Every line of a guide that calls `reid-train`, in blocks and in prose."""
    text = guide.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    lines += re.findall(r"`([^`\n]*)`", prose)
    return [line.split("#")[0].strip() for line in lines if line.startswith("reid-train ")]


def resolve(words):
    """The command that words name, and what is left of them."""
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, words
        command, words = command.commands[words[0]], words[1:]
    return command, words


CALLS = [(guide.name, line) for guide in GUIDES for line in command_lines(guide)]


def test_there_are_guides_with_commands():
    assert {"data.md", "training.md", "ablation-ladder.md"} <= {guide.name for guide in GUIDES}
    assert len(CALLS) >= 8


@pytest.mark.parametrize(("guide", "line"), CALLS)
def test_every_command_exists_with_its_options(guide, line):
    command, rest = resolve(shlex.split(line.replace("…", ""))[1:])
    known = {name for parameter in command.params for name in parameter.opts}
    known |= {name for parameter in command.params for name in parameter.secondary_opts}
    for word in rest:
        assert not word.startswith("--") or word in known, f"{guide}: {line}"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_path_exists(guide):
    text = guide.read_text(encoding="utf-8")
    linked = {guide.parent / path for path in re.findall(r"\]\(([\w./-]+)\)", text)}
    named = {
        ROOT / path
        for path in re.findall(r"(?<![\w/.-])(?:training|model|benchmarks|docs)/[\w./-]*\w", text)
    }
    assert [path for path in linked | named if not path.exists()] == []
