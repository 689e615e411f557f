import io
import subprocess
import sys

import av
import numpy as np
import pytest

from service.errors import NoReadableFrame
from service.media import video_file
from service.media.video_file import open_video
from tests.encoded_frames import encoded_frame
from tests.encoded_videos import encoded_video, shaded

WANTED = (
    "expected a whole video: MP4, MOV, Matroska, WebM or AVI with H.264, H.265, MPEG-4, M-JPEG, "
    "VP8, VP9 or AV1, received "
)
REMEDY = "; send a video of crops of one person, or the frames as pictures"
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n"


def received(file: bytes) -> str:
    with pytest.raises(NoReadableFrame) as refusal, open_video(file, max_pixels=10**6):
        pass
    text = str(refusal.value)
    assert text.startswith(WANTED)
    assert text.endswith(REMEDY)
    return text.removeprefix(WANTED).removesuffix(REMEDY)


@pytest.mark.parametrize(
    "file",
    [
        b"",
        PLAYLIST,
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        encoded_frame(1, "JPEG"),
        encoded_frame(1, "AVIF"),
        encoded_video(shaded(3), "mpeg2video", "mpegts"),
        encoded_video(shaded(3), "libx264", "flv"),
    ],
    ids=["nothing", "playlist", "concat", "SVG", "SDP", "JPEG", "AVIF", "MPEG-TS", "FLV"],
)
def test_other_kinds_are_refused_by_their_first_bytes_and_no_demuxer_sees_them(file, monkeypatch):
    monkeypatch.setattr(video_file.av, "open", pytest.fail)
    assert received(file) == f"{len(file)} bytes of another kind"


def test_a_codec_that_is_not_taken():
    assert received(encoded_video(shaded(3), "ffv1", "matroska")) == "a codec that is not taken"


def test_a_file_without_video_and_one_with_two():
    stream = io.BytesIO()
    with av.open(stream, "w", format="matroska") as output:
        sound = output.add_stream("pcm_s16le", rate=8000)
        sound.layout = "mono"
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        samples.rate = 8000
        output.mux(sound.encode(samples))
    assert received(stream.getvalue()) == "0 video streams in one file"
    stream = io.BytesIO()
    with av.open(stream, "w", format="matroska") as output:
        videos = [output.add_stream("mjpeg", rate=5) for _ in range(2)]
        for video in videos:
            video.height, video.width, video.pix_fmt = 64, 32, "yuvj420p"
        for picture in shaded(3):
            for video in videos:
                output.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
    assert received(stream.getvalue()) == "2 video streams in one file"


def test_a_header_without_a_video_behind_it():
    file = encoded_video(shaded(3))
    assert received(file[:40]).startswith("one that cannot be read (")


def test_a_demuxer_that_asks_for_another_file_gets_none(tmp_path):
    """No such demuxer is ever asked; were it, the options alone would stop it."""
    (tmp_path / "secret.mkv").write_bytes(encoded_video(shaded(3), "mjpeg", "matroska"))
    playlist = f"ffconcat version 1.0\nfile '{tmp_path}/secret.mkv'\n".encode()

    def packets(options):
        with av.open(io.BytesIO(playlist), format="concat", options=options) as container:
            return len([packet for packet in container.demux() if packet.size])

    assert packets({"safe": "0"}) == 3
    for name in ("protocol_whitelist", "format_whitelist"):
        with pytest.raises(av.FFmpegError):
            packets({"safe": "0", name: video_file._OPTIONS[name]})


def test_a_codec_refuses_pictures_that_grow_on_the_way():
    small, large = (
        encoded_video([np.zeros((size, size, 3), np.uint8)] * 3, "mjpeg", "matroska")
        for size in (64, 1200)
    )
    with open_video(small, max_pixels=10**6) as video:
        context = video.stream.codec_context
        with av.open(io.BytesIO(large)) as other:
            packet = next(other.demux(video=0))
        with pytest.raises(av.FFmpegError):
            context.decode(packet)


def test_nothing_is_written_to_the_log_of_the_process():
    """Codecs talk to standard error, where each line of the service is JSON."""
    code = (
        "import sys; from service.media.video_file import open_video\n"
        "from service.errors import NoReadableFrame\n"
        "try:\n"
        "    with open_video(sys.stdin.buffer.read(), max_pixels=10**6) as video:\n"
        "        for packet in video.container.demux(video.stream):\n"
        "            video.stream.codec_context.decode(packet)\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    file = bytearray(encoded_video(shaded(20)))
    file[60 : len(file) // 2] = bytes(len(file) // 2 - 60)
    done = subprocess.run(
        [sys.executable, "-c", code], input=bytes(file), capture_output=True, check=True
    )
    assert done.stderr == b""


def test_the_service_starts_without_loading_codecs():
    code = "import sys, service.app; sys.exit('av' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
