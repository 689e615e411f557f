"""Says in the description of the calls how a key is sent, so that `/docs` asks for one."""

from typing import Any

from fastapi import FastAPI

_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key that `reid keys new` made; what it is good for, its scopes say.",
    },
    "header": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same key, for clients that cannot send the other header.",
    },
}

OPEN_CALL: dict[str, Any] = {"security": []}
"""`openapi_extra` of a route that is open to anyone."""


def describe_keys(app: FastAPI) -> None:
    """Make every call of the application ask for a key, but those that say `OPEN_CALL`.

    A dependency of the routes would say it as well, and be solved again for every request.
    """
    without_keys = app.openapi

    def with_keys() -> dict[str, Any]:
        document = without_keys()
        document["components"]["securitySchemes"] = _SCHEMES
        document["security"] = [{name: []} for name in _SCHEMES]
        return document

    app.openapi = with_keys  # type: ignore[method-assign]  # as FastAPI's documentation says
