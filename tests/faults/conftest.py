from contextlib import ExitStack
from functools import cache

import pytest

from tests.artifact_factory import write_tiny_artifact
from tests.redis_server import RedisServer


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    """The directory of a model that answers at once."""
    directory = tmp_path_factory.mktemp("artifact")
    write_tiny_artifact(directory)
    return directory


@pytest.fixture
def store_settings(tmp_path):
    """Settings of a service on a store, by its name; the Redis is a real one."""
    with ExitStack() as servers:

        @cache
        def settings_of(store):
            if store == "sqlite":
                return {"store": store}
            server = servers.enter_context(RedisServer(tmp_path / "redis"))
            return {"store": store, "redis_url": server.url}

        yield settings_of
