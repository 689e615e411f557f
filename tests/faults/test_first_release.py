"""A data directory of the first release, served by this one without a word from anybody."""

import httpx

from model.manifest import load_manifest
from service.api.embedding_codec import embedding_numbers
from service.gallery.records import TrackletMetadata
from service.gallery.stores.protocol import GalleryModel
from tests.artifact_factory import DIMENSION, write_tiny_artifact
from tests.first_release_store import write_first_release
from tests.gallery_rows import embedding_of, record_of
from tests.live_service import live_service


def test_what_the_first_release_enrolled_is_found(tmp_path):
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    write_tiny_artifact(artifact)
    model = GalleryModel(load_manifest(artifact).model.fingerprint, DIMENSION)
    records = [
        record_of(f"t{n}", embedding_of(n, DIMENSION), TrackletMetadata(f"p{n % 3}"), seq=n + 1)
        for n in range(9)
    ]
    data = tmp_path / "data"
    write_first_release(data / "gallery.sqlite3", {"default": (model, 9, records)})
    for _ in range(2):
        with live_service(artifact, data) as service, httpx.Client(base_url=service.url) as http:
            assert http.get("/readyz").json()["tracklets"] == 9
            for n in range(9):
                asked = {"embedding": embedding_numbers(embedding_of(n, DIMENSION)), "top_k": 1}
                (best,) = http.post("/search", json=asked).json()["matches"]
                assert (best["tracklet_id"], best["identity"]) == (f"t{n}", f"p{n % 3}")
                assert best["similarity"] > 0.9999
            assert http.post("/galleries/default/verify").json()["agrees"]
