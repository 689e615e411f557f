"""How `reid gallery` reaches a running service, and options of its commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.api_key import chosen_api_key
from service.commands.command_line import fail

if TYPE_CHECKING:
    from service.client.client import ReidClient

Name = Annotated[str, typer.Argument(help="The gallery's name or alias.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@contextmanager
def connected(url: str, *, admin_url: str | None = None) -> "Iterator[ReidClient]":
    """A client of the service; its refusals, and words it would refuse, end with status 1."""
    from pydantic import ValidationError

    from service.api.validation import field_error
    from service.client.client import ReidClient
    from service.client.connection import ReidClientError
    from service.errors import InvalidInput

    try:
        with ReidClient(url, admin_url=admin_url, api_key=chosen_api_key()) as client:
            yield client
    except ReidClientError as error:
        fail(str(error))
    except ValidationError as error:
        fail(str(field_error(error.errors(include_url=False), fault=InvalidInput)))
