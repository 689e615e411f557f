"""The HTTP application."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import APIRouter, Depends, FastAPI
from fastapi_offline import FastAPIOffline

from service.access.doorkeeper import Doorkeeper
from service.api.access_check import AccessCheck
from service.api.answers import ErrorAnswer
from service.api.body_limit import BodyLimit, StreamedBodies
from service.api.bulk_lines import STREAMED_PATHS, held_bytes
from service.api.cut_short import AnswerWhenCutShort
from service.api.dependencies import whole_path
from service.api.disconnect import CancelWhenClientLeaves
from service.api.error_handlers import install_error_handlers
from service.api.held_runtime import ReleaseRuntime
from service.api.key_docs import describe_keys
from service.api.request_log import RequestLog
from service.api.routers import ADMIN_ROUTERS, ROUTERS
from service.lifecycle import Lifecycle
from service.metric_facts import gallery_facts, service_facts
from service.metrics import Metrics
from service.request_watch import RequestWatch
from service.settings import Settings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_DESCRIPTION = """
Post the frames of a tracklet (one person, one camera, in time order) and get the right person back.

Every error has the same body: `code` is stable, and `expected`, `received` and `remedy` say what to
do. Times are ISO 8601 with an offset, or Unix seconds; answers use Unix seconds.
"""


def create_app(
    settings: Settings,
    *,
    when_start_fails: Callable[[BaseException], None] | None = None,
    when_lost: Callable[[BaseException], None] | None = None,
) -> FastAPI:
    """The application, which answers at once and is ready when its runtime is open.

    Args:
        settings: The service's settings.
        when_start_fails: Called with the error when the runtime cannot be opened.
        when_lost: Called with the error when the device that runs the model is gone for good.

    Raises:
        KeysFileError: When the keys file cannot be used.
    """
    doorkeeper = Doorkeeper(settings.keys_file)
    metrics = Metrics(
        settings.metrics_galleries,
        galleries=lambda: gallery_facts(lifecycle),
        service=lambda: service_facts(lifecycle),
    )
    lifecycle = Lifecycle(
        settings,
        observer=metrics.batches,
        when_start_fails=when_start_fails,
        when_lost=when_lost,
        problem=doorkeeper.problem,
    )
    watch = RequestWatch(metrics.requests, settings)
    lifespan = _lifespan(lifecycle, watch, doorkeeper)
    app = _application(settings, ROUTERS, watch=watch, doorkeeper=doorkeeper, lifespan=lifespan)
    app.state.doorkeeper = doorkeeper
    app.state.lifecycle = lifecycle
    app.state.metrics = metrics
    app.state.watch = watch
    return app


def create_admin_app(public: FastAPI, settings: Settings) -> FastAPI:
    """What the second port serves, of the same runtime; `public` starts and stops it."""
    state = public.state
    app = _application(settings, ADMIN_ROUTERS, watch=state.watch, doorkeeper=state.doorkeeper)
    app.state = state
    return app


def _application(
    settings: Settings,
    routers: Sequence[APIRouter],
    *,
    watch: RequestWatch,
    doorkeeper: Doorkeeper,
    lifespan: Lifespan | None = None,
) -> FastAPI:
    documented = FastAPIOffline if settings.serve_docs else partial(FastAPI, openapi_url=None)
    app: FastAPI = documented(
        redoc_url=None,
        # A redirect says `http`, also behind a proxy that speaks TLS: keys would follow in clear.
        redirect_slashes=False,
        # The page asks nobody: no content network for its scripts, no validator for its schema.
        swagger_ui_parameters={"validatorUrl": None},
        title="Tracklet re-identification",
        version=version("tracklet-reid"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        responses={"default": {"model": ErrorAnswer, "description": "Every error"}},
        dependencies=[Depends(whole_path)],
    )
    app.state.settings = settings
    _add_middleware(app, settings, watch, doorkeeper)
    install_error_handlers(app)
    for router in routers:
        app.include_router(router)
    describe_keys(app)
    return app


def _lifespan(lifecycle: Lifecycle, watch: RequestWatch, doorkeeper: Doorkeeper) -> Lifespan:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        doorkeeper.start()
        lifecycle.start()
        yield
        await lifecycle.stop()
        await asyncio.to_thread(doorkeeper.close)
        await asyncio.to_thread(watch.close)

    return lifespan


def _add_middleware(
    app: FastAPI, settings: Settings, watch: RequestWatch, doorkeeper: Doorkeeper
) -> None:
    """The last one added is the outermost: the log sees every request, abandoned ones included."""
    app.add_middleware(
        BodyLimit,
        max_bytes=settings.max_body_bytes,
        max_held_bytes=settings.max_held_body_bytes,
        streamed=StreamedBodies(STREAMED_PATHS, settings.max_bulk_bytes, held_bytes(settings)),
    )
    app.add_middleware(CancelWhenClientLeaves)
    app.add_middleware(ReleaseRuntime)
    app.add_middleware(AnswerWhenCutShort)
    local_only = doorkeeper.lets_anyone_in and not settings.allow_anyone
    app.add_middleware(AccessCheck, doorkeeper=doorkeeper, local_only=local_only)
    app.add_middleware(RequestLog, watch=watch)
