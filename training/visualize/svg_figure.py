"""matplotlib figures as SVG inside a page: no requests, no dates, the same bytes every time.

What is drawn in `INK` takes the colour of the page's text, light or dark. Identifiers are prefixed,
so that several figures can live in one page.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

INK = "#010203"
# Distinct in lightness, and at least 3:1 on white and on the page's dark ground.
BLUE, ORANGE, GREEN, PURPLE = "#2f81e0", "#d06a00", "#1f9362", "#a960c4"
SERIES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PURPLE, ":"))

_STYLE: "dict[RcKeyType, object]" = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": INK,
    "grid.alpha": 0.12,
    "legend.frameon": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
}
_AXES_AREA = (0.125, 0.135, 0.86, 0.845)
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


class SvgFigure:
    """One figure with one pair of axes; `markup` is ready to be put into a page.

    Attributes:
        axes: What to draw on.
        markup: The SVG element, once the figure has been drawn.
    """

    def __init__(self, axes: Axes) -> None:
        self.axes = axes
        self.markup = ""


@contextmanager
def svg_figure(name: str, description: str) -> Iterator[SvgFigure]:
    """Give axes to draw on; at the end the figure has its markup.

    Args:
        name: Prefix of identifiers, a word that no other figure of the page has.
        description: What the figure shows, in words, for those who do not see it.
    """
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(5.6, 3.7))
        # A layout engine would draw everything twice.
        drawn = SvgFigure(figure.add_axes(_AXES_AREA))
        yield drawn
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata=_NO_METADATA)
    drawn.markup = _inline(stream.getvalue(), name=name, description=description)


def _inline(svg: str, *, name: str, description: str) -> str:
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'(href="#|url\(#)', rf"\1{name}-", body)
    body = body.replace(INK, "currentColor")
    # The page scales the figure to its column.
    head = re.sub(r'\s(width|height)="[^"]*"', "", body[: body.index(">")])
    label = f'role="img" aria-label="{escape(description, quote=True)}"'
    return f"{head} {label}{body[body.index('>') :]}".strip()
