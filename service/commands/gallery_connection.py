"""How `reid gallery` reaches a running service, and how it says that it could not."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from service.client.client import ReidClient

DEFAULT_URL = "http://127.0.0.1:8000"

Name = Annotated[str, typer.Argument(help="The gallery's name or alias.")]
Url = Annotated[str, typer.Option(help="Address of the running service.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@contextmanager
def connected(url: str) -> "Iterator[ReidClient]":
    """A client of the service; its refusals, and words it would refuse, end with status 1."""
    from pydantic import ValidationError

    from service.api.validation import field_error
    from service.client.client import ReidClient
    from service.client.connection import ReidClientError
    from service.errors import InvalidInput

    try:
        with ReidClient(url) as client:
            yield client
    except ReidClientError as error:
        fail(str(error))
    except ValidationError as error:
        fail(str(field_error(error.errors(include_url=False), fault=InvalidInput)))


def fail(message: str) -> NoReturn:
    """End the command with one line on standard error."""
    print(f"reid: {message}", file=sys.stderr)  # noqa: T201
    raise typer.Exit(1)
