"""The write that an answer shows, and the write that a request asks to have seen."""

from typing import Annotated

from fastapi import Depends, Header, Response

from service.errors import InvalidQuery

SEQ_HEADER = "X-Gallery-Seq"
"""Of answers: the last write of the gallery that the answer shows, or its own."""

MIN_SEQ_HEADER = "X-Min-Gallery-Seq"
"""Of requests: wait for this write, or refuse with `replica_behind`."""

_MOST_DIGITS = 18


def min_seq_header(
    text: Annotated[
        str | None,
        Header(alias=MIN_SEQ_HEADER, description="A write of the gallery that must be seen."),
    ] = None,
) -> int | None:
    """The write that the header asks for.

    Raises:
        InvalidQuery: When it is no number of a write.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise InvalidQuery(
            expected=f"{MIN_SEQ_HEADER} to be the `seq` of a write",
            received=repr(text[:40]),
            remedy=f"send back what {SEQ_HEADER} said",
        )
    return int(text)


MinSeq = Annotated[int | None, Depends(min_seq_header)]


def later_of(*seqs: int | None) -> int | None:
    """The latest of the writes asked for; None where none is."""
    return max((seq for seq in seqs if seq is not None), default=None)


def show_seq(response: Response, seq: int) -> None:
    """Say on the answer which write it shows."""
    response.headers[SEQ_HEADER] = str(seq)
