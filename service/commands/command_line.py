"""What every command of `reid` shares: options that mean the same, and how it ends in words."""

import sys
from typing import Annotated, NoReturn

import typer

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_ADMIN_URL = "http://127.0.0.1:8001"

Url = Annotated[str, typer.Option(help="Address of the running service.")]
AdminUrl = Annotated[
    str, typer.Option("--admin-url", help="Address of the second port of the running service.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def fail(message: str) -> NoReturn:
    """End the command with one line on standard error."""
    print(f"reid: {message}", file=sys.stderr)  # noqa: T201
    raise typer.Exit(1)
