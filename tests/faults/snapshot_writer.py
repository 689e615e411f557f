"""A process that enrolls, writes two snapshots and is killed in the second: see its test.

python -m tests.faults.snapshot_writer DATABASE SNAPSHOTS
"""

import sys
from pathlib import Path

from service.gallery.replica.replica import GalleryReplica
from service.gallery.stores.batch import Delete
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.gallery_stores import SPEC, upsert, write
from tests.replicas import QUICK, fill


def main() -> None:
    database, directory = Path(sys.argv[1]), Path(sys.argv[2])
    store = SqliteGalleryStore(database)
    store.open()
    info = store.create_gallery("staff", SPEC)
    fill(store, info, 50)
    # The replica writes the first snapshot by itself, as soon as it serves.
    replica = GalleryReplica(store, info, snapshot_dir=directory, name="one", options=QUICK)
    replica.start()
    while replica.status().snapshots == 0:
        pass
    replica.wait_for(write(store, info.gallery_id, upsert("t1", 99), Delete("t2")).seq, 20)
    print("first snapshot written", flush=True)
    replica.snapshot()
    print("second snapshot written", flush=True)
    write(store, info.gallery_id, upsert("after", 1))
    replica.stop()
    store.close()


if __name__ == "__main__":
    main()
