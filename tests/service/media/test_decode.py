import asyncio
import threading

import numpy as np
import pytest

from service.errors import DecodeBudgetExceeded, DecodeFailed, NotReady
from service.media import picture_files
from service.media.decode import FrameDecoder, MediaLimits
from service.media.decode_budget import DecodeLimits
from service.media.tracklet_source import EncodedFrames, RawFrames
from service.media.video_limits import VideoLimits
from tests.encoded_frames import encoded_frame
from tests.media_decoding import FRAME_LIMITS, PREPROCESSING, frame_decoder, within_20_s


@pytest.fixture
def decoder():
    made = frame_decoder(threads=2)
    yield made
    made.close()


def sent(files):
    return EncodedFrames(tuple(files))


def test_loop_stays_free_and_pixels_are_decoded_elsewhere(decoder, monkeypatch):
    release = threading.Event()
    threads = set()

    def slow(*_):
        threads.add(threading.current_thread().name)
        release.wait(10)
        return np.zeros((64, 32, 3), np.uint8)

    monkeypatch.setattr(picture_files, "decode_pixels", slow)

    async def scenario():
        task = asyncio.create_task(decoder.decode(sent([encoded_frame(0)])))
        await asyncio.sleep(0.05)
        free = not task.done()
        release.set()
        await task
        return free

    assert within_20_s(scenario())
    assert all(name.startswith("decode") for name in threads)
    assert threads


def test_cancelled_tracklet_is_dropped_at_its_next_frame(monkeypatch):
    started, release = threading.Event(), threading.Event()
    calls = []

    def slow(*_):
        calls.append(1)
        started.set()
        release.wait(10)
        return np.zeros((64, 32, 3), np.uint8)

    monkeypatch.setattr(picture_files, "decode_pixels", slow)
    decoder = frame_decoder()

    async def scenario():
        task = asyncio.create_task(decoder.decode(sent([encoded_frame(0)] * 4)))
        await asyncio.to_thread(started.wait, 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        release.set()
        await decoder.decode(sent([encoded_frame(0)]))

    within_20_s(scenario())
    decoder.close()

    assert len(calls) == 2


def test_a_decoder_that_raises_fails_this_tracklet_and_says_how(decoder, monkeypatch):
    def broken(*_):
        raise LookupError("inside")

    with monkeypatch.context() as patched:
        patched.setattr(picture_files, "decode_pixels", broken)
        with pytest.raises(DecodeFailed) as failed:
            within_20_s(decoder.decode(sent([encoded_frame(0)])))
    assert str(failed.value) == (
        "expected the frames to be decoded, received LookupError from the decoder; "
        "report these frames; the other requests are not touched by it"
    )
    assert isinstance(failed.value.__cause__, LookupError)
    assert within_20_s(decoder.decode(sent([encoded_frame(0)]))).received == 1


def test_closed_decoder_is_not_ready(decoder):
    decoder.close()

    with pytest.raises(NotReady, match="a request while the service stops") as refusal:
        within_20_s(decoder.decode(sent([encoded_frame(0)])))

    assert refusal.value.retry_after_s == 1


def test_close_fails_what_waits_and_does_not_hang(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(
        picture_files,
        "decode_pixels",
        lambda *_: release.wait(10) and np.zeros((64, 32, 3), np.uint8),
    )
    decoder = frame_decoder()

    async def scenario():
        tasks = [
            asyncio.create_task(decoder.decode(sent([encoded_frame(0)] * 2))) for _ in range(3)
        ]
        await asyncio.sleep(0.05)
        closing = asyncio.create_task(asyncio.to_thread(decoder.close))
        await asyncio.sleep(0.05)
        release.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await closing
        return results

    assert [type(result) for result in within_20_s(scenario())] == [NotReady] * 3


def test_pixels_are_chosen_like_files(decoder):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 64, 32, 3), dtype=np.uint8)

    tracklet = within_20_s(decoder.decode(RawFrames(pixels)))

    assert tracklet.used == PREPROCESSING.choice.indices(9)
    assert np.array_equal(tracklet.frames, pixels[list(tracklet.used)])


def test_a_tracklet_over_its_budget_is_refused_and_the_next_one_is_not():
    limits = MediaLimits(
        FRAME_LIMITS, DecodeLimits(cpu_s=60, pixels=2 * 40 * 90), VideoLimits(60, 30.0)
    )
    decoder = FrameDecoder(limits, PREPROCESSING, threads=1)

    with pytest.raises(DecodeBudgetExceeded):
        within_20_s(decoder.decode(sent([encoded_frame(0)] * 3)))
    assert within_20_s(decoder.decode(sent([encoded_frame(0)] * 2))).received == 2
    decoder.close()
