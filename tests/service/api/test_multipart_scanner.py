import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from service.api.multipart_scanner import MultipartError, MultipartScanner


class Parts:
    """What a scanner gives: name and content of each whole part."""

    def __init__(self):
        self.whole = []
        self.pieces = 0

    def begin(self, name):
        self.name, self.content = name, b""

    def add(self, content):
        assert content
        self.content += content
        self.pieces += 1

    def end(self):
        self.whole.append((self.name, self.content))


def scan(body, boundary=b"b", *, chunk=None):
    parts = Parts()
    scanner = MultipartScanner(boundary, parts)
    size = chunk or max(1, len(body))
    for start in range(0, len(body), size):
        scanner.feed(body[start : start + size])
    return parts.whole, scanner.ended


def by_the_library(body, boundary):
    """The same by another parser, which goes from byte to byte."""
    parts, headers, now = [], [], {"ended": False}

    def begin_part():
        headers.append([b"", b""])
        now["content"], now["name"] = b"", ""

    def add(key):
        def more(data, start, end):
            headers[-1][key] += data[start:end]

        return more

    def end_header():
        if headers[-1][0].lower() == b"content-disposition":
            _, options = parse_options_header(headers[-1][1])
            now["name"] = options.get(b"name", b"").decode("utf-8", "replace")
        headers.append([b"", b""])

    def content(data, start, end):
        now["content"] += data[start:end]

    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": begin_part,
            "on_header_field": add(0),
            "on_header_value": add(1),
            "on_header_end": end_header,
            "on_part_data": content,
            "on_part_end": lambda: parts.append((now["name"], now["content"])),
            "on_end": lambda: now.update(ended=True),
        },
    )
    parser.write(body)
    return parts, now["ended"]


HEADERS = st.sampled_from(
    [
        b'Content-Disposition: form-data; name="frames"',
        b'content-disposition:form-data; name="frames"; filename="0.jpg"\r\nX-Other: 1',
        b'Content-Type: image/jpeg\r\nContent-Disposition: form-data; filename="a\\"b";name=f',
        b'Content-Disposition: form-data; name="a\\"b"',
        b"Content-Disposition: form-data; name*=utf-8''fr%C3%A4mes",
        b"Content-Type: image/jpeg",
    ]
)
CONTENT = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"b", b"--b", b"x"])).map(
    b"".join
)


@given(st.lists(st.tuples(HEADERS, CONTENT), min_size=1, max_size=4), st.integers(1, 40))
def test_every_body_is_cut_as_by_another_parser_however_it_comes(parts, chunk):
    boundary = b"a-b--b"
    pieces = [b"--" + boundary + b"\r\n" + head + b"\r\n\r\n" + body for head, body in parts]
    body = b"\r\n".join([*pieces, b"--" + boundary + b"--\r\n"])
    assert scan(body, boundary, chunk=chunk) == by_the_library(body, boundary)


@given(st.binary(max_size=200), st.integers(1, 40))
def test_content_that_looks_like_the_boundary_is_content(content, chunk):
    content = content.replace(b"\r\n--b\r\n", b"").replace(b"\r\n--b--", b"") + b"\r\n--bc\r\n--b-"
    body = b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + content + b"\r\n--b--"
    assert scan(body, chunk=chunk) == ([("f", content)], True)


@given(st.binary(max_size=80), st.integers(1, 20))
def test_anything_else_is_an_error_or_has_no_end(body, chunk):
    try:
        parts, ended = scan(body, chunk=chunk)
    except MultipartError:
        return
    assert not ended or body.lstrip(b"\r\n").startswith(b"--b--")
    assert parts == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"nonsense", "no boundary where there has to be one"),
        (b"--c\r\n", "no boundary where there has to be one"),
        (b"--bcd", "a boundary that goes on"),
        (b"--b\r\n" + b"x" * 20_000, "more than 16384 bytes of headers"),
        (b"--b\r\n" + b"x" * 20_000 + b"\r\n\r\n", "more than 16384 bytes of headers"),
    ],
)
def test_what_is_no_such_body_says_where(body, message):
    with pytest.raises(MultipartError, match=message):
        scan(body)
    with pytest.raises(MultipartError, match=message):
        scan(body, chunk=100)


def test_a_boundary_is_bounded():
    with pytest.raises(MultipartError, match="a boundary of 257 bytes"):
        MultipartScanner(b"b" * 257, Parts())
    MultipartScanner(b"b" * 256, Parts())


def test_an_empty_line_before_and_words_after_the_parts_are_passed_over():
    body = b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n1\r\n--b--'
    for chunk in (1, 3, None):
        assert scan(b"\r\n" + body + b"\r\nend", chunk=chunk) == ([("f", b"1")], True)


def test_content_is_passed_on_while_it_comes():
    parts = Parts()
    scanner = MultipartScanner(b"b", parts)
    scanner.feed(b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n')
    for _ in range(3):
        scanner.feed(b"x" * 1000)
        assert len(scanner._left) < 10
    assert parts.pieces == 3


def test_the_other_parser_refuses_what_is_refused_here():
    for body in (b"nonsense", b"--c\r\n", b"--bcd"):
        with pytest.raises(FormParserError):
            by_the_library(body, b"b")


@pytest.mark.parametrize("chunk", [None, 1000])
def test_content_full_of_false_boundaries_is_refused(chunk):
    head, end = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n', b"\r\n--b--"
    some = b"\r\n--bz" * 900

    assert scan(head + some + end, chunk=chunk) == ([("x", some)], True)
    with pytest.raises(MultipartError, match="full of what begins as its boundary does"):
        scan(head + some + some + end, chunk=chunk)
