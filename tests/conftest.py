import os

import pytest
from hypothesis import settings

from tests.redis_server import RedisServer

# Before torch is loaded: the networks of the tests are small, and threads that wait for each other
# on a busy machine cost them many times what they share.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no failure: speed is measured in benchmarks.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def server(tmp_path):
    """A real Redis with nothing in it."""
    with RedisServer(tmp_path / "redis") as server:
        yield server
