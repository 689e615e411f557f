"""Options that commands which judge weights share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

FrameModeOption = Annotated[
    Literal["dense", "fast", "served", "1", "8"],
    typer.Option(
        "--frames",
        help="dense: every frame, for numbers to report. fast: the first frame of each of T "
        "chunks. served: those that an exported model is given. 1: the middle one. 8: so many, "
        "evenly spaced.",
    ),
]
FramesPerBatch = Annotated[
    int,
    typer.Option(min=1, help="Frames computed with at once; memory grows with it, results do not."),
]
PrecisionOption = Annotated[Literal["fp32", "bf16"], typer.Option(help="Of the arithmetic.")]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="What computes.")]
Cache = Annotated[
    Path | None,
    typer.Option(
        help="Folder where features are kept, so that ranking again needs no model; `features` "
        "beside the weights unless another is named. They are biometric data: only you can read "
        "the files; remove the folder when it is no longer needed."
    ),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Read and keep no features.")]
AveragePrecision = Annotated[
    Literal["standard", "mars"],
    typer.Option("--ap", help="mars: the trapezoid of the official MARS evaluation."),
]
SameCamera = Annotated[
    Literal["exclude", "keep"],
    typer.Option(help="Tracklets of the query's identity from its own camera; keep ranks them."),
]
GalleryOption = Annotated[
    Literal["official", "with-queries", "without-queries"],
    typer.Option(help="Whether queries are searched too; official: as the data set's protocol."),
]
