import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.lines_in import Line, LineLimits, read_chunks
from service.errors import BodyTooLarge, DeadlineExceeded

LIMITS = LineLimits(most_lines=3, most_chunk_bytes=40, most_line_bytes=20, idle_s=5.0)


async def _body(pieces):
    for piece in pieces:
        yield piece


def _chunks(pieces, limits=LIMITS):
    async def main():
        return [chunk async for chunk in read_chunks(_body(pieces), limits)]

    return asyncio.run(asyncio.wait_for(main(), 20))


lines = st.lists(st.binary(max_size=20).filter(lambda raw: b"\n" not in raw), max_size=12)


@given(lines, st.lists(st.integers(1, 30)), st.booleans())
def test_lines_come_out_whole_and_numbered_however_they_arrive(written, cuts, with_last_break):
    body = b"\n".join(written) + (b"\n" if with_last_break else b"")
    pieces = []
    for cut in cuts:
        pieces.append(body[:cut])
        body = body[cut:]
    chunks = _chunks([*pieces, body])
    expected = [Line(n, raw) for n, raw in enumerate(written, start=1) if raw.strip()]
    assert [line for chunk in chunks for line in chunk] == expected
    assert all(1 <= len(chunk) <= 3 for chunk in chunks)
    assert all(len(c) == 1 or sum(len(line.raw) for line in c) <= 40 for c in chunks)


def test_a_chunk_is_bounded_in_lines_and_in_bytes():
    many = _chunks([b"a\nb\nc\nd\n"])
    assert [len(chunk) for chunk in many] == [3, 1]
    large = _chunks([b"\n".join([b"x" * 15] * 3)])
    assert [len(chunk) for chunk in large] == [2, 1]


def test_a_line_that_is_too_long_is_refused_after_those_before_it():
    for ending in (b"\n", b""):
        received = []

        async def main(ending=ending, received=received):
            pieces = [b"first\n", b"x" * 15, b"x" * 6, ending, b"last\n"]
            async for chunk in read_chunks(_body(pieces), LIMITS):
                received.extend(chunk)

        with pytest.raises(
            BodyTooLarge, match=r"lines of at most 20 bytes, received a longer line"
        ):
            asyncio.run(main())
        assert received == [Line(1, b"first")]


def test_one_piece_at_most_is_read_ahead_while_the_caller_works():
    async def main():
        taken = 0

        async def body():
            nonlocal taken
            for _ in range(20):
                taken += 1
                yield b"a\nb\nc\n"

        worked = 0
        async for chunk in read_chunks(body(), LIMITS):
            assert len(chunk) == 3
            worked += 1
            await asyncio.sleep(0.005)
            assert taken <= worked + 1
        return worked

    assert asyncio.run(main()) == 20


def test_lines_are_handed_on_when_the_sender_pauses():
    async def main():
        gate = asyncio.Event()

        async def body():
            yield b"a\nhalf"
            await gate.wait()
            yield b" done\n"

        chunks = read_chunks(body(), LIMITS)
        first = await asyncio.wait_for(anext(chunks), 5)
        gate.set()
        return [first, *[chunk async for chunk in chunks]]

    assert asyncio.run(main()) == [[Line(1, b"a")], [Line(2, b"half done")]]


def test_a_sender_that_stays_silent_is_given_up():
    async def main():
        async def body():
            yield b"a\n"
            await asyncio.sleep(60)

        limits = LineLimits(3, 40, 20, idle_s=0.3)
        return [chunk async for chunk in read_chunks(body(), limits)]

    with pytest.raises(DeadlineExceeded, match=r"the next line within 0.3 s, received no line"):
        asyncio.run(asyncio.wait_for(main(), 10))


def test_an_error_of_the_body_reaches_the_caller():
    async def main():
        async def body():
            yield b"a\n"
            raise OSError("gone")

        return [chunk async for chunk in read_chunks(body(), LIMITS)]

    with pytest.raises(OSError, match="gone"):
        asyncio.run(main())


def test_a_line_without_an_end_is_refused_before_it_has_come_whole():
    came = []

    async def body():
        for _ in range(100):
            came.append(b"x" * 10)
            yield came[-1]

    async def main():
        return [chunk async for chunk in read_chunks(body(), LIMITS)]

    with pytest.raises(BodyTooLarge, match="lines of at most 20 bytes"):
        asyncio.run(main())
    assert len(came) <= 5
