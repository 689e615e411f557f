"""An alias is moved while a request is under way: it ends in the gallery where it began."""

import asyncio

from service.gallery.enrolment import Enrolment
from service.gallery.records import TrackletMetadata
from service.gallery.stores.protocol import GallerySpec
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.gallery_rows import DIMENSION, MODEL, embedding_of, service_of


def test_what_began_before_the_move_ends_where_it_began(tmp_path):
    async def run():
        service = service_of(SqliteGalleryStore(tmp_path / "g.sqlite3"), tmp_path / "snapshots")
        await service.start()
        try:
            for name in ("old", "new"):
                await service.manage(lambda names, one=name: names.create(one, GallerySpec(MODEL)))
            await service.manage(lambda names: names.point_alias("live", "old"))
            held = await service.open("live")
            await service.manage(lambda names: names.point_alias("live", "new"))

            enrolment = Enrolment("a", embedding_of(1), TrackletMetadata())
            upsert = enrolment.checked(DIMENSION)
            began = await service.write(held, lambda gallery: gallery.write([upsert]))
            later = await service.enroll("live", enrolment)

            assert began.gallery.name == "old"
            assert later.gallery.name == "new"
            tracklets = {
                name: (await service.open(name)).head_view().state.tracklets
                for name in ("old", "new")
            }
            assert tracklets == {"old": 1, "new": 1}
        finally:
            await service.close()

    asyncio.run(run())
