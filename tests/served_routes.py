"""Every route of an application, however it was put into it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from service.api.access import Needed


@dataclass(frozen=True)
class ServedRoute:
    """A route: its template, its methods, and what its caller needs where it says so."""

    path: str
    methods: tuple[str, ...]
    needed: tuple[Needed, ...]


def served_routes(app: FastAPI) -> list[ServedRoute]:
    """Every route, with those of routers that were included in others."""
    return list(_walk(app.routes))


def _walk(routes: Any) -> Iterator[ServedRoute]:
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from _walk(route.effective_candidates())
            yield from _walk(route.effective_low_priority_routes())
        else:
            calls = [each.dependency for each in getattr(route, "dependencies", [])]
            needed = tuple(call for call in calls if isinstance(call, Needed))
            methods = tuple(sorted(getattr(route, "methods", None) or {"GET"}))
            yield ServedRoute(route.path, methods, needed)
