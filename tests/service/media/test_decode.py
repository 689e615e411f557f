import asyncio
import io
import threading
import time
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from model.manifest import FrameChoice, Preprocessing
from service.errors import NoReadableFrame, NotReady, Overloaded
from service.media import decode
from service.media.decode import FrameDecoder, FrameLimits, RejectedFrame, check_header
from service.media.image_header import UnreadableImageError
from service.media.tracklet_source import EncodedFrames
from tests.encoded_frames import drawn_picture, encoded, encoded_frame, png_header

LIMITS = FrameLimits(
    max_bytes=200_000, max_pixels=100_000, max_side_px=1000, formats=("JPEG", "PNG", "WEBP")
)
MOST = 4
PREPROCESSING = Preprocessing(
    frames_per_clip=None,
    choice=FrameChoice(policy="evenly_spaced", most=MOST),
    height=64,
    width=32,
    interpolation="bilinear_antialias",
    colour="RGB",
)
TEXT = b"a text named .jpg"


@pytest.fixture
def decoder():
    made = FrameDecoder(LIMITS, PREPROCESSING, threads=2)
    yield made
    made.close()


def sent(files):
    return EncodedFrames(tuple(files))


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def truncated(seed):
    data = encoded(Image.effect_noise((40, 90), 60 + seed), "JPEG")
    return data[: len(data) // 2]


def rows(*files):
    pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in files]
    return np.stack([p.resize((32, 64), Image.Resampling.BILINEAR) for p in pictures])


def reason_of(data, limits=LIMITS):
    with pytest.raises(UnreadableImageError) as refusal:
        check_header(data, limits)
    return str(refusal.value)


class TestLimits:
    def test_bytes(self):
        assert reason_of(bytes(200_001)) == (
            "expected at most 200000 bytes, received 200001; send the crop of one person"
        )

    def test_nothing(self):
        assert reason_of(b"") == "expected a picture, received 0 bytes; send the file's content"

    def test_side(self):
        assert reason_of(png_header(1001, 2)) == (
            "expected sides of 1 to 1000 px, received 1001 x 2 px; send the crop of one person"
        )
        assert "received 2 x 1001 px" in reason_of(png_header(2, 1001))

    def test_no_side(self):
        assert "sides of 1 to 1000 px, received 0 x 9 px" in reason_of(png_header(0, 9))

    def test_pixels(self):
        assert reason_of(png_header(1000, 101)) == (
            "expected at most 100000 pixels, received 1000 x 101 px; send the crop of one person"
        )

    def test_limits_themselves_are_allowed(self):
        assert check_header(png_header(1000, 100), LIMITS).width == 1000

    def test_format_outside_the_setting(self):
        limits = FrameLimits(max_bytes=9999, max_pixels=9999, max_side_px=999, formats=("JPEG",))

        assert reason_of(encoded_frame(1), limits) == (
            "expected JPEG data, received PNG data; convert the frame"
        )

    @pytest.mark.parametrize("formats", [("JPEG", "GIF"), ()])
    def test_format_that_cannot_be_decoded_is_refused_at_start(self, formats):
        with pytest.raises(ValueError, match="expected formats out of JPEG, PNG, WEBP, received"):
            FrameLimits(max_bytes=9, max_pixels=9, max_side_px=9, formats=formats)

    def test_pixels_beyond_the_codecs_warning_are_refused_at_start(self):
        with pytest.raises(ValueError, match="at most 67108864 pixels a frame, received 90000000"):
            FrameLimits(max_bytes=9, max_pixels=90_000_000, max_side_px=9, formats=("PNG",))

    def test_huge_picture_costs_neither_time_nor_memory(self, decoder):
        tracemalloc.start()
        started_s = time.perf_counter()
        with pytest.raises(NoReadableFrame, match="received 50000 x 50000 px"):
            run(decoder.decode(sent([png_header(50_000, 50_000)])))
        elapsed_s = time.perf_counter() - started_s
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert elapsed_s < 1
        assert peak_bytes < 2**20

    def test_no_pixel_of_an_oversized_picture_is_decoded(self, decoder, monkeypatch):
        calls = []
        monkeypatch.setattr(decode, "decode_pixels", lambda *_: calls.append(1))
        big = encoded(drawn_picture(1, height=1001))

        with pytest.raises(NoReadableFrame):
            run(decoder.decode(sent([big])))

        assert calls == []


class TestChoice:
    def test_frames_keep_their_order(self, decoder):
        files = [encoded_frame(seed, kind) for seed, kind in enumerate(("JPEG", "PNG", "WEBP"))]

        tracklet = run(decoder.decode(sent(files)))

        assert np.array_equal(tracklet.frames, rows(*files))
        assert tracklet.frames.dtype == np.uint8
        assert (tracklet.received, tracklet.used, tracklet.rejected) == (3, (0, 1, 2), ())

    def test_long_tracklet_is_thinned_as_the_manifest_says(self, decoder):
        files = [encoded_frame(seed) for seed in range(9)]

        tracklet = run(decoder.decode(sent(files)))

        assert tracklet.used == PREPROCESSING.choice.indices(9)
        assert np.array_equal(tracklet.frames, rows(*(files[index] for index in tracklet.used)))

    def test_frames_are_chosen_among_those_with_a_good_header(self, decoder):
        files = [encoded_frame(seed) for seed in range(9)]
        files[3] = TEXT

        tracklet = run(decoder.decode(sent(files)))

        good = [0, 1, 2, 4, 5, 6, 7, 8]
        assert tracklet.used == tuple(good[place] for place in PREPROCESSING.choice.indices(8))
        assert tracklet.received == 9
        assert tracklet.rejected == (
            RejectedFrame(
                3,
                "expected JPEG, PNG, WEBP data, received 17 bytes of no known picture format; "
                "convert the frame",
            ),
        )

    def test_chosen_frame_with_bad_pixels_is_rejected_and_not_replaced(self, decoder):
        files = [encoded_frame(seed) for seed in range(8)]
        chosen = PREPROCESSING.choice.indices(8)
        files[chosen[1]] = truncated(1)

        tracklet = run(decoder.decode(sent(files)))

        assert tracklet.used == (chosen[0], *chosen[2:])
        assert [frame.index for frame in tracklet.rejected] == [chosen[1]]
        assert "expected a whole JPEG picture of 40 x 90 px" in tracklet.rejected[0].reason

    def test_rest_is_tried_when_no_chosen_frame_can_be_read(self, decoder):
        files = [encoded_frame(seed) for seed in range(8)]
        chosen = PREPROCESSING.choice.indices(8)
        for index in chosen:
            files[index] = truncated(index)

        tracklet = run(decoder.decode(sent(files)))

        assert tracklet.used == tuple(sorted(set(range(8)) - set(chosen)))
        assert tuple(frame.index for frame in tracklet.rejected) == chosen

    def test_same_upload_gives_the_same_answer(self, decoder):
        files = [encoded_frame(0), truncated(1), TEXT, *(encoded_frame(s) for s in range(9))]

        first, second = run(decoder.decode(sent(files))), run(decoder.decode(sent(files)))

        assert np.array_equal(first.frames, second.frames)
        assert (first.used, first.rejected) == (second.used, second.rejected)

    def test_no_readable_frame_lists_the_first_reasons(self, decoder):
        with pytest.raises(NoReadableFrame) as refusal:
            run(decoder.decode(sent([b"", TEXT, truncated(0), b"", b""])))

        assert refusal.value.expected == "at least one readable frame"
        assert refusal.value.received.startswith(
            "5 frames, none readable (frame 0: expected a picture, received 0 bytes; "
            "send the file's content | frame 1: expected JPEG, PNG, WEBP data, received 17 bytes"
        )
        assert refusal.value.received.endswith(" | and 2 more)")
        assert refusal.value.remedy == "send whole JPEG, PNG, WEBP files in the field `frames`"

    def test_no_frame_at_all(self, decoder):
        with pytest.raises(NoReadableFrame, match="received 0 frames, none readable; send"):
            run(decoder.decode(sent([])))


class TestThreads:
    def test_loop_stays_free_and_pixels_are_decoded_elsewhere(self, decoder, monkeypatch):
        release = threading.Event()
        threads = set()

        def slow(*_):
            threads.add(threading.current_thread().name)
            release.wait(10)
            return np.zeros((64, 32, 3), np.uint8)

        monkeypatch.setattr(decode, "decode_pixels", slow)

        async def scenario():
            task = asyncio.create_task(decoder.decode(sent([encoded_frame(0)])))
            await asyncio.sleep(0.05)
            free = not task.done()
            release.set()
            await task
            return free

        assert run(scenario())
        assert all(name.startswith("decode") for name in threads)
        assert threads

    def test_cancelled_tracklet_is_dropped_at_its_next_frame(self, monkeypatch):
        started, release = threading.Event(), threading.Event()
        calls = []

        def slow(*_):
            calls.append(1)
            started.set()
            release.wait(10)
            return np.zeros((64, 32, 3), np.uint8)

        monkeypatch.setattr(decode, "decode_pixels", slow)
        decoder = FrameDecoder(LIMITS, PREPROCESSING, threads=1)

        async def scenario():
            task = asyncio.create_task(decoder.decode(sent([encoded_frame(0)] * 4)))
            await asyncio.to_thread(started.wait, 10)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            release.set()
            await decoder.decode(sent([encoded_frame(0)]))

        run(scenario())
        decoder.close()

        assert len(calls) == 2

    def test_full_queue_is_refused_and_frees_itself(self, monkeypatch):
        release = threading.Event()
        monkeypatch.setattr(
            decode,
            "decode_pixels",
            lambda *_: release.wait(10) and np.zeros((64, 32, 3), np.uint8),
        )
        decoder = FrameDecoder(LIMITS, PREPROCESSING, threads=1, max_queue_frames=5)

        async def scenario():
            task = asyncio.create_task(decoder.decode(sent([encoded_frame(0)] * 3)))
            await asyncio.sleep(0)
            with pytest.raises(Overloaded) as refusal:
                await decoder.decode(sent([encoded_frame(0)] * 3))
            release.set()
            await task
            await decoder.decode(sent([encoded_frame(0)] * 5))
            return refusal.value

        refused = run(scenario())
        decoder.close()

        assert refused.expected == "at most 5 frames waiting to be decoded"
        assert refused.received == "3 more beside 3"
        assert refused.remedy == "send the request again later"
        assert refused.retry_after_s >= 1

    def test_idle_decoder_refuses_no_length(self):
        decoder = FrameDecoder(LIMITS, PREPROCESSING, threads=1, max_queue_frames=2)

        assert run(decoder.decode(sent([encoded_frame(0)] * 3))).received == 3
        decoder.close()

    def test_closed_decoder_is_not_ready(self, decoder):
        decoder.close()

        with pytest.raises(NotReady, match="a request while the service stops") as refusal:
            run(decoder.decode(sent([encoded_frame(0)])))

        assert refusal.value.retry_after_s == 1

    def test_close_fails_what_waits_and_does_not_hang(self, monkeypatch):
        release = threading.Event()
        monkeypatch.setattr(
            decode,
            "decode_pixels",
            lambda *_: release.wait(10) and np.zeros((64, 32, 3), np.uint8),
        )
        decoder = FrameDecoder(LIMITS, PREPROCESSING, threads=1)

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

        assert [type(result) for result in run(scenario())] == [NotReady] * 3
