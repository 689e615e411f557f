import pytest
from typer.testing import CliRunner

from service.__main__ import cli


@pytest.fixture
def run(running):
    """Run `reid gallery` against the service; the result."""

    def invoke(*words: str, ask: str | None = None):
        to = ["--admin-url", running.admin_url] if words[0] == "audit" else ["--url", running.url]
        return CliRunner().invoke(cli, ["gallery", *words, *to], input=ask)

    return invoke
