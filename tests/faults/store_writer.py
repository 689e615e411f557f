"""Writes to a gallery until it is killed, and notes each operation in a file of its own.

Run as `python -m tests.faults.store_writer DATA_DIRECTORY ORACLE_FILE SEED`. A line is on disk
before its operation begins, and another after it was acknowledged.
"""

import asyncio
import os
import random
import sys
from functools import partial
from pathlib import Path

from service.gallery.deletion import delete_identity
from service.gallery.records import TrackletMetadata
from tests.gallery_rows import delete, embedding_of, enroll, page, started


async def write(directory: Path, oracle: int, seed: int) -> None:
    chooser = random.Random(seed)

    def note(*words: object) -> None:
        os.write(oracle, (" ".join(map(str, words)) + "\n").encode())
        os.fsync(oracle)

    async with started(directory) as service:
        held: dict[str, str] = {}
        for record in (await page(service)).records:
            held[record.tracklet_id] = record.metadata.identity or ""
        while True:
            name, identity = f"t{chooser.randrange(40)}", f"p{chooser.randrange(8)}"
            kind = chooser.choice(["enroll", "enroll", "enroll", "delete", "forget"])
            if kind == "enroll":
                version = chooser.randrange(10**6)
                note("try", kind, name, identity, version)
                known = TrackletMetadata(identity=identity, attributes={"version": version})
                await enroll(service, name, embedding_of(version), known)
                held[name] = identity
            elif kind == "delete" and name in held:
                note("try", kind, name)
                await delete(service, name)
                del held[name]
            elif kind == "forget" and identity in held.values():
                note("try", kind, identity)
                await service.write("default", partial(delete_identity, identity=identity))
                held = {one: person for one, person in held.items() if person != identity}
            else:
                continue
            note("ok")


if __name__ == "__main__":
    descriptor = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    asyncio.run(write(Path(sys.argv[1]), descriptor, int(sys.argv[3])))
