"""Attention over a clip as a page of HTML, or as one PNG for a paper."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from model.durable_file import durable_file
from training.visualize.attention import ClipAttention, HeatRow, WeightRow
from training.visualize.page import write_page
from training.visualize.pictures import heat_colours, heat_over_frame, jpeg_data_uri

BAR_PX = 60
_CELL_INCHES = (1.0, 2.0)
_HEADING_INCHES = 1.8


@dataclass(frozen=True, slots=True)
class _Picture:
    uri: str
    described: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class _PictureRow:
    title: str
    explanation: str
    scale: str
    pictures: tuple[_Picture, ...]


@dataclass(frozen=True, slots=True)
class _Bar:
    height: int
    label: str


@dataclass(frozen=True, slots=True)
class _BarRow:
    title: str
    explanation: str
    bars: tuple[_Bar, ...]


def write_attention(
    path: Path, attention: ClipAttention, *, title: str, facts: Mapping[str, str]
) -> None:
    """Write the figure to `path`, whole or not at all: HTML or PNG by its suffix.

    Args:
        path: Ends in `.html` or `.png`.
        attention: What to show.
        title: Heading of the page; a PNG has it above.
        facts: Lines below the heading of the page, such as the model and the tracklet.

    Raises:
        ValueError: When the suffix is another one.
    """
    require_known_suffix(path)
    if path.suffix == ".html":
        write_page(path, "attention.html.j2", _content(attention, title=title, facts=facts))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with durable_file(path) as temporary, mpl.rc_context({"font.size": 8}):
        # The metadata would name the version of matplotlib.
        figure = _figure(attention, title=title)
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})


def require_known_suffix(path: Path) -> None:
    """Refuse what `write_attention` cannot write, before anything is computed.

    Raises:
        ValueError: When the suffix is neither `.html` nor `.png`.
    """
    if path.suffix not in {".html", ".png"}:
        raise ValueError(
            f"expected an output that ends in .html or .png, received {path.name!r}; rename it"
        )


def _content(
    attention: ClipAttention, *, title: str, facts: Mapping[str, str]
) -> dict[str, object]:
    ramp = heat_colours(np.linspace(0, 1, 128)).round().astype(np.uint8)
    return {
        "title": title,
        "facts": facts,
        "scale": jpeg_data_uri(np.tile(ramp, (8, 1, 1))),
        "frames": [
            _Picture(jpeg_data_uri(frame), f"frame {place}", str(place))
            for place, frame in enumerate(attention.frames, start=1)
        ],
        "rows": [_picture_row(row, attention.frames) for row in attention.heat],
        "bars": [_bar_row(row) for row in attention.weights],
        "notes": attention.notes,
    }


def _picture_row(row: HeatRow, frames: NDArray[np.uint8]) -> _PictureRow:
    hottest = float(row.maps.max())
    rows, columns = row.maps.shape[1:]
    pictures = []
    for place, (frame, heat) in enumerate(zip(frames, row.maps, strict=True), start=1):
        top, left = np.unravel_index(int(heat.argmax()), heat.shape)
        strongest = f"strongest in row {top + 1} of {rows}, column {left + 1} of {columns}"
        uri = jpeg_data_uri(heat_over_frame(frame, heat, hottest=hottest))
        pictures.append(_Picture(uri, f"{row.title}, frame {place}: {strongest}"))
    scale = f"{rows}×{columns}, lightest is {hottest:.3g}"
    return _PictureRow(row.title, row.explanation, scale, tuple(pictures))


def _bar_row(row: WeightRow) -> _BarRow:
    highest = max(float(row.weights.max()), 1e-12)
    bars = [_Bar(max(round(BAR_PX * float(w) / highest), 1), f"{w:.3f}") for w in row.weights]
    return _BarRow(row.title, row.explanation, tuple(bars))


def _figure(attention: ClipAttention, *, title: str) -> Figure:
    """Frames in columns, maps in rows, weights as bars below, notes at the foot."""
    count = len(attention.frames)
    heights = [_CELL_INCHES[1]] * (1 + len(attention.heat)) + [0.8] * len(attention.weights)
    width = _HEADING_INCHES + _CELL_INCHES[0] * count
    foot = [line for note in attention.notes for line in textwrap.wrap(note, int(width * 16))]
    height = sum(heights) + 0.4 + 0.14 * len(foot)
    figure = Figure(figsize=(width, height))
    figure.text(0.01, 1 - 0.2 / height, title, fontsize=10, va="center", parse_math=False)
    figure.text(0.01, 0.05 / height, "\n".join(foot), fontsize=7, va="bottom", parse_math=False)
    grid = figure.add_gridspec(
        len(heights), count + 1, height_ratios=heights, hspace=0.04, wspace=0.04,
        width_ratios=[_HEADING_INCHES] + [_CELL_INCHES[0]] * count, left=0.01, right=0.99,
        top=1 - 0.35 / height, bottom=(0.05 + 0.14 * len(foot)) / height,
    )  # fmt: skip
    pictures = [("frame", attention.frames)]
    for row in attention.heat:
        hottest = float(row.maps.max())
        seen = zip(attention.frames, row.maps, strict=True)
        overlaid = [heat_over_frame(frame, heat, hottest=hottest) for frame, heat in seen]
        pictures.append((row.title, np.stack(overlaid)))
    for line, (heading, frames) in enumerate(pictures):
        _heading(figure, grid[line, 0], heading)
        for place, frame in enumerate(frames, start=1):
            axes = figure.add_subplot(grid[line, place])
            axes.imshow(frame)
            axes.axis("off")
    for line, weighed in enumerate(attention.weights, start=len(pictures)):
        _heading(figure, grid[line, 0], weighed.title)
        _draw_bars(figure, grid[line, 1:], weighed)
    return figure


def _draw_bars(figure: Figure, cell: mpl.gridspec.SubplotSpec, weighed: WeightRow) -> None:
    axes = figure.add_subplot(cell)
    drawn = axes.bar(range(1, len(weighed.weights) + 1), weighed.weights, width=0.6)
    axes.bar_label(drawn, fmt="%.3f")
    axes.set_xlim(0.5, len(weighed.weights) + 0.5)
    axes.set_ylim(0, 1.4 * max(float(weighed.weights.max()), 1e-12))
    axes.axis("off")


def _heading(figure: Figure, cell: mpl.gridspec.SubplotSpec, text: str) -> None:
    axes = figure.add_subplot(cell)
    axes.axis("off")
    axes.text(0, 0.5, textwrap.fill(text, 26), va="center", parse_math=False)
