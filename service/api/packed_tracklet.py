"""Reads a msgpack upload: a map with the frames in one of three forms, and the JSON beside them.

A few bytes of msgpack can ask for gigabytes of lists and maps. So values are measured by skipping
over them, pictures and pixels are cut out as bytes, and only what is bounded is unpacked.
"""

import json
from dataclasses import dataclass
from typing import TypeAlias

import msgpack

from service.api.body_limit import body_too_large
from service.api.raw_frames import raw_frames, too_many_frames
from service.api.tracklet_form import FormLimits
from service.errors import InvalidInput, MalformedRequest, NoReadableFrame
from service.media.tracklet_source import (
    EncodedFrames,
    RawFrames,
    TrackletSource,
    VideoOfCrops,
)

_Span: TypeAlias = tuple[int, int]
_MOST_KEYS = 8
_LONGEST_KEY = 64
_LONGEST_SHAPE = 64
_BINARY_HEADERS = {0xC4: 2, 0xC5: 3, 0xC6: 5}
"""First byte of a binary value, and how many bytes say its length."""


@dataclass(frozen=True, slots=True, eq=False)
class PackedTracklet:
    """Frames as they came, the JSON beside them (`{}` when left out), and what tells it apart."""

    source: TrackletSource
    json: bytes
    sent: tuple[bytes, ...]


def read_packed_tracklet(
    body: bytes, *, json_field: str | None, limits: FormLimits
) -> PackedTracklet:
    """Read a map of `frames`, of `pixels` with their `shape`, or of a `video`.

    Args:
        body: The whole body.
        json_field: Name of the one map allowed beside the frames, or None.
        limits: What to refuse.

    Raises:
        MalformedRequest: When the body is not msgpack, or no map.
        InvalidInput: For a key or a type that is not known, or more than one form of frames.
        TooManyFrames: When there are too many frames.
        BodyTooLarge: When the map beside the frames is over its limit.
        NoReadableFrame: When there is no frame at all.
    """
    try:
        spans = _spans(body)
        return _tracklet(_Packed(body, spans, limits), json_field)
    except (msgpack.UnpackException, ValueError, RecursionError) as error:
        raise MalformedRequest(
            expected="one msgpack map",
            received="a body that is none, or ends before the map does",
            remedy="pack a map with `frames`, a list of files as bytes",
        ) from error


def _spans(body: bytes) -> dict[str, _Span]:
    """Where the value of each key begins and ends."""
    reader = msgpack.Unpacker(max_buffer_size=max(len(body), 1))
    reader.feed(body)
    spans: dict[str, _Span] = {}
    count = reader.read_map_header()
    if count > _MOST_KEYS:
        raise _unknown_key(f"{count} keys")
    for _ in range(count):
        start = reader.tell()
        reader.skip()
        key = _key(body[start : reader.tell()])
        start = reader.tell()
        reader.skip()
        if key in spans:
            raise InvalidInput(
                expected=f"one key `{key}`", received="more than one", remedy="send it once"
            )
        spans[key] = (start, reader.tell())
    if reader.tell() != len(body):
        raise ValueError
    return spans


def _key(packed: bytes) -> str:
    key = msgpack.unpackb(packed) if len(packed) <= _LONGEST_KEY else None
    if not isinstance(key, str):
        raise _unknown_key("a key that is no short text")
    return key


def _tracklet(packed: "_Packed", json_field: str | None) -> PackedTracklet:
    known = ["frames", "pixels", "shape", "video", *([json_field] if json_field else [])]
    for key in packed.spans:
        if key not in known:
            raise _unknown_key(f"`{key}`", known)
    forms = [key for key in ("frames", "pixels", "video") if key in packed.spans]
    if not forms:
        raise NoReadableFrame(
            expected="a key `frames`, `pixels` or `video`",
            received="none",
            remedy="pack `frames`, a list of files as bytes, in time order",
        )
    if len(forms) > 1 or ("shape" in packed.spans) != (forms == ["pixels"]):
        raise InvalidInput(
            expected="one of `frames`, `video`, and `pixels` with their `shape`",
            received=" and ".join(f"`{key}`" for key in sorted(packed.spans) if key != json_field),
            remedy="send one form of a tracklet",
        )
    beside = packed.json(json_field) if json_field in packed.spans else b"{}"
    source, sent = packed.source(forms[0])
    return PackedTracklet(source, beside, (beside, *sent))


@dataclass(frozen=True, slots=True, eq=False)
class _Packed:
    """A body whose values were found and not yet read."""

    body: bytes
    spans: dict[str, _Span]
    limits: FormLimits

    def source(self, form: str) -> tuple[TrackletSource, tuple[bytes, ...]]:
        """The frames, and the bytes that tell them apart."""
        if form == "frames":
            files = self._files()
            return EncodedFrames(files), files
        start, stop = self._binary(*self.spans[form], form)
        if form == "video":
            file = self.body[start:stop]
            return VideoOfCrops(file), (file,)
        frames = self._pixels(start, stop)
        shape = repr(frames.pixels.shape).encode()
        return frames, (shape, self.body[start:stop])

    def json(self, name: str) -> bytes:
        """A map as JSON text, to be read as the JSON of every other request is."""
        start, stop = self.spans[name]
        if stop - start > self.limits.max_json_bytes:
            raise body_too_large(self.limits.max_json_bytes, f"a larger `{name}`")
        value = msgpack.unpackb(memoryview(self.body)[start:stop], max_ext_len=0)
        if not isinstance(value, dict):
            raise _no_json_map(name)
        try:
            return json.dumps(value, ensure_ascii=False).encode()
        except TypeError as error:
            raise _no_json_map(name) from error

    def _files(self) -> tuple[bytes, ...]:
        start, stop = self.spans["frames"]
        reader = msgpack.Unpacker(max_buffer_size=max(stop - start, 1))
        reader.feed(memoryview(self.body)[start:stop])
        try:
            count = reader.read_array_header()
        except ValueError:
            raise _wrong_type("`frames` to be a list") from None
        if count > self.limits.max_frames:
            raise too_many_frames(self.limits.max_frames)
        if not count:
            raise NoReadableFrame(
                expected="at least one frame in `frames`",
                received="an empty list",
                remedy="pack each frame's file as bytes, in time order",
            )
        files = []
        for place in range(count):
            begins = start + reader.tell()
            reader.skip()
            first, last = self._binary(begins, start + reader.tell(), f"frames[{place}]")
            files.append(self.body[first:last])
        return tuple(files)

    def _pixels(self, start: int, stop: int) -> RawFrames:
        first, last = self.spans["shape"]
        packed = self.body[first:last]
        shape = msgpack.unpackb(packed) if len(packed) <= _LONGEST_SHAPE else None
        if not isinstance(shape, list) or not all(type(side) is int for side in shape):
            raise _wrong_type("`shape` to be a list of four whole numbers")
        pixels = memoryview(self.body)[start:stop]
        return raw_frames(pixels, shape, max_frames=self.limits.max_frames)

    def _binary(self, start: int, stop: int, name: str) -> _Span:
        """Where the bytes of a binary value begin and end."""
        header = _BINARY_HEADERS.get(self.body[start])
        if header is None:
            raise _wrong_type(f"`{name}` to be binary")
        return start + header, stop


def _no_json_map(name: str) -> InvalidInput:
    return InvalidInput(
        expected=f"`{name}` to be a map of what JSON can say",
        received="another type, or one in it",
        remedy="pack text, numbers, true, false, nil, lists and maps with keys of text",
    )


def _wrong_type(expected: str) -> InvalidInput:
    return InvalidInput(
        expected=expected,
        received="another type",
        remedy="pack bytes as binary (`use_bin_type`), not as text or numbers",
    )


def _unknown_key(received: str, known: list[str] | None = None) -> InvalidInput:
    names = known or ["frames", "pixels", "shape", "video"]
    return InvalidInput(
        expected=f"only the keys {', '.join(f'`{name}`' for name in names)}",
        received=received,
        remedy="rename it or leave it out",
    )
