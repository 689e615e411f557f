"""`reid openapi`: the description of every call, without starting the service."""

import json
import sys
from typing import Annotated

import typer

Operators = Annotated[
    bool, typer.Option("--operators", help="Of the second port, which operators use.")
]


def openapi(operators: Operators = False) -> None:  # noqa: FBT002 a flag of the command line
    """Print the OpenAPI document of the service, to make clients from."""
    sys.stdout.write(openapi_document(of_operators=operators))


def openapi_document(*, of_operators: bool) -> str:
    """The document as it is committed: the same for the same code, keys sorted.

    Args:
        of_operators: Whether it is that of the second port.
    """
    from service.app import create_admin_app, create_app
    from service.settings import Settings

    app = create_app(Settings.model_construct())
    if of_operators:
        app = create_admin_app(app, Settings.model_construct())
    return json.dumps(app.openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
