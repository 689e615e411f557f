"""Self-contained HTML pages: templates filled in with every name escaped, written durably."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from model.durable_file import durable_file

_TEMPLATES = Path(__file__).parent / "templates"


def write_page(path: Path, template: str, content: Mapping[str, object]) -> None:
    """Fill `template` with `content` and write it to `path`, whole or not at all.

    What is not `Markup` is escaped: names of a data set are text of strangers.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    page = environment.get_template(template).render(style=Markup(style), **content)  # noqa: S704
    path.parent.mkdir(parents=True, exist_ok=True)
    with durable_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
