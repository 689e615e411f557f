"""Galleries and aliases in Redis."""

import secrets

from service.gallery.gallery_errors import GalleryExists, GalleryNotFound, StoreUnavailable
from service.gallery.stores.log_chain import first_hash
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GallerySpec, GalleryState
from service.gallery.stores.redis_keys import ALIAS, CATALOG, DROPPED, gallery_not_found, keys_of
from service.gallery.stores.redis_refusals import as_written
from service.gallery.stores.redis_session import RedisSession

_SPEC = ("fingerprint", "dimension", "max_tracklets", "retention_s")
_STATE = ("seq", "tracklets", "digest", "chain")
_NO_DIGEST = "0" * 16


class RedisCatalogue(RedisSession):
    """What the store knows of galleries beside their rows."""

    def __init__(self, url: str, *, password: str | None = None, timeout_s: float = 5.0) -> None:
        super().__init__(url, password=password, timeout_s=timeout_s)
        self._specs: dict[str, GallerySpec] = {}

    def create_gallery(self, name: str, spec: GallerySpec) -> GalleryInfo:
        """Create an empty gallery; one of this name and the same specification stays as it is.

        Raises:
            GalleryExists: When the name is taken by another specification, or by an alias.
        """
        gallery_id = secrets.token_hex(16)
        fields = zip(
            (*_SPEC, *_STATE),
            (*_spec_texts(spec), "0", "0", _NO_DIGEST, first_hash(gallery_id)),
            strict=True,
        )
        answer, rest = self._run(
            "create_gallery",
            (CATALOG, ALIAS, keys_of(gallery_id).meta),
            name,
            gallery_id,
            *(word for field in fields for word in field),
        )
        if answer == "alias":
            raise _exists(f"{name!r}, an alias")
        if answer == "held":
            gallery_id = rest[0].decode()
        info = self._info(name, gallery_id)
        if info is None:
            raise gallery_not_found(gallery_id)
        if info.spec != spec:
            raise _exists(f"{name!r}, a gallery of another specification")
        return info

    def galleries(self) -> tuple[GalleryInfo, ...]:
        """Every gallery, by name."""
        words = [word.decode() for word in self._read("HGETALL", CATALOG)]
        ids = sorted(zip(words[::2], words[1::2], strict=True))
        found = (self._info(name, gallery_id) for name, gallery_id in ids)
        return tuple(info for info in found if info is not None)

    def drop_gallery(self, gallery_id: str) -> None:
        """Delete a gallery, its log and its aliases."""
        keys = (CATALOG, ALIAS, DROPPED, *keys_of(gallery_id).all_but_answers())
        answer, _ = self._run("drop_gallery", keys, gallery_id)
        if answer == "gallery_not_found":
            raise gallery_not_found(gallery_id)
        self._specs.pop(gallery_id, None)

    def give_up_gallery(self, gallery_id: str) -> None:
        """Remember a gallery that the store has lost as one that was dropped."""
        self._run("give_up_gallery", (DROPPED,), gallery_id)

    def was_dropped(self, gallery_id: str) -> bool:
        """Whether a gallery of this id was dropped; a store that lost everything says no."""
        return bool(self._read("SISMEMBER", DROPPED, gallery_id))

    def aliases(self) -> dict[str, str]:
        """From alias to gallery id."""
        words = [word.decode() for word in self._read("HGETALL", ALIAS)]
        return dict(sorted(zip(words[::2], words[1::2], strict=True)))

    def set_alias(self, alias: str, gallery_id: str | None) -> None:
        """Point the alias at a gallery, in one step; None removes it.

        Raises:
            GalleryExists: When a gallery has this name.
        """
        if gallery_id is None:
            self._run("set_alias", (CATALOG, ALIAS), alias, "")
            return
        keys = (CATALOG, ALIAS, keys_of(gallery_id).meta)
        answer, _ = self._run("set_alias", keys, alias, gallery_id)
        if answer == "gallery_not_found":
            raise gallery_not_found(gallery_id)
        if answer == "gallery":
            raise _exists(f"{alias!r}, a gallery")

    def state(self, gallery_id: str) -> GalleryState:
        """Where the gallery stands after its last write."""
        seq, tracklets, digest, chain = self._meta(gallery_id, _STATE)
        with as_written("the state of a gallery"):
            return GalleryState(int(seq), int(tracklets), int(digest, 16), chain)

    def _spec_of(self, gallery_id: str) -> GallerySpec:
        """Read once: it never changes, and a write sees whether the gallery is still there."""
        spec = self._specs.get(gallery_id)
        if spec is None:
            with as_written("a gallery"):
                spec = _spec(*self._meta(gallery_id, _SPEC))
            self._specs[gallery_id] = spec
        return spec

    def _info(self, name: str, gallery_id: str) -> GalleryInfo | None:
        """The gallery that the catalogue has under this name; None when it was just dropped.

        Raises:
            StoreUnavailable: When it was not dropped and yet is not there.
        """
        try:
            created_s, *texts = self._meta(gallery_id, ("created_s", *_SPEC))
        except GalleryNotFound:
            if self._read("HGET", CATALOG, name) != gallery_id.encode():
                return None
            raise StoreUnavailable(
                expected=f"the gallery {name!r} where the catalogue in Redis has it",
                received="nothing there: keys were deleted by other means than this service",
                remedy=f"restore Redis from a backup, or give the gallery up: HDEL {CATALOG}",
            ) from None
        with as_written("a gallery"):
            return GalleryInfo(gallery_id, name, _spec(*texts), float(created_s))

    def _meta(self, gallery_id: str, fields: tuple[str, ...]) -> list[str]:
        values = self._read("HMGET", keys_of(gallery_id).meta, *fields)
        if None in values:
            raise gallery_not_found(gallery_id)
        with as_written("a gallery"):
            return [value.decode() for value in values]


def _spec_texts(spec: GallerySpec) -> tuple[str, str, str, str]:
    most = "" if spec.max_tracklets is None else str(spec.max_tracklets)
    retention = "" if spec.retention_s is None else repr(float(spec.retention_s))
    return spec.model.fingerprint, str(spec.model.dimension), most, retention


def _spec(fingerprint: str, dimension: str, most: str, retention: str) -> GallerySpec:
    return GallerySpec(
        GalleryModel(fingerprint, int(dimension)),
        int(most) if most else None,
        float(retention) if retention else None,
    )


def _exists(received: str) -> GalleryExists:
    return GalleryExists(
        expected="a name that nothing has",
        received=received,
        remedy="choose another name, or delete what has it",
    )
