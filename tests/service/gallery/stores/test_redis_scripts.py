from pathlib import Path

import pytest

from service.gallery.stores import redis_scripts
from service.gallery.stores.redis_scripts import script
from tests.gallery_stores import SPEC, upsert, write

FOLDER = Path(redis_scripts.__file__).parent / "scripts"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.iterdir()))
def test_redis_takes_every_script_and_knows_it_by_the_same_digest(server, name):
    one = script(name)
    with server.client() as client:
        assert client.script_load(one.text) == one.sha
    assert script(name) is one


def test_a_script_for_a_full_redis_is_another_and_says_so(server):
    one, other = script("write"), script("write", when_full=True)
    assert one.sha != other.sha
    assert other.text == "#!lua flags=allow-oom\n" + one.text


def test_a_script_that_redis_has_forgotten_is_loaded_once_and_run(server, redis_store):
    gallery = redis_store.create_gallery("g", SPEC).gallery_id
    for forgotten in range(3):
        with server.client() as client:
            client.script_flush()
            before = client.info("commandstats").get("cmdstat_script|load", {"calls": 0})["calls"]
        assert write(redis_store, gallery, upsert("a", forgotten)).seq == 2 * forgotten + 1
        assert write(redis_store, gallery, upsert("a", forgotten)).seq == 2 * forgotten + 2
        with server.client() as client:
            after = client.info("commandstats")["cmdstat_script|load"]["calls"]
        assert after == before + 1
