"""Whole HTTP requests, ready to be sent, that carry the samples' frames."""

import base64
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

_BOUNDARY = "frames-of-one-tracklet"


def sample_tracklets(samples: Path, *, frames: int) -> list[list[bytes]]:
    """Every JPEG file below `samples` once, in tracklets of `frames`; the last few are left out.

    Raises:
        FileNotFoundError: When there are not enough files for one tracklet.
    """
    files = [path.read_bytes() for path in sorted(samples.rglob("*.jpg"))]
    whole = len(files) - len(files) % frames
    if not whole:
        raise FileNotFoundError(
            f"expected {frames} or more *.jpg below {samples}, received {len(files)}; "
            "run in the root of the repository or give --samples"
        )
    return [files[start : start + frames] for start in range(0, whole, frames)]


def of_lengths(samples: Path, lengths: Sequence[int]) -> list[list[bytes]]:
    """Tracklets of these lengths out of the samples' files, which are used again and again."""
    files = itertools.cycle(sample_tracklets(samples, frames=1))
    return [[next(files)[0] for _ in range(length)] for length in lengths]


def multipart(
    path: str, *, method: str = "POST", timeout_s: float | None = None
) -> Callable[[Sequence[bytes]], bytes]:
    """Makes requests that send each frame as a part named `frames`.

    Args:
        path: Of the URL.
        method: Of HTTP.
        timeout_s: After which nobody waits for the answer; None says nothing of it.
    """
    patience = "" if timeout_s is None else f"\r\nX-Timeout-S: {timeout_s:g}"

    def request(tracklet: Sequence[bytes]) -> bytes:
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="frames"; '
            f'filename="{place}.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'.encode()
            + file
            + b"\r\n"
            for place, file in enumerate(tracklet)
        ]
        body = b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()
        content_type = f"multipart/form-data; boundary={_BOUNDARY}"
        return _whole(method, path, content_type + patience, body)

    return request


def base64_json(path: str) -> Callable[[Sequence[bytes]], bytes]:
    """Makes requests that post the frames as base64 in a JSON list `frames`."""

    def request(tracklet: Sequence[bytes]) -> bytes:
        frames = [base64.b64encode(file).decode("ascii") for file in tracklet]
        return _whole("POST", path, "application/json", orjson.dumps({"frames": frames}))

    return request


def _whole(method: str, path: str, content_type: str, body: bytes) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body
