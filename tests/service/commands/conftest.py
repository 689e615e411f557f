import pytest
from typer.testing import CliRunner

from service.__main__ import cli


@pytest.fixture
def run(running):
    """Run `reid gallery` against the service; the result."""

    def invoke(*words: str, ask: str | None = None):
        return CliRunner().invoke(cli, ["gallery", *words, "--url", running.url], input=ask)

    return invoke
