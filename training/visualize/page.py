"""Self-contained HTML pages: templates filled in with every name escaped, written durably."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from model.durable_file import durable_file

_TEMPLATES = Path(__file__).parent / "templates"


def require_page(path: Path) -> None:
    """Refuse a place where no page can be, before its content is computed.

    Raises:
        ValueError: When it is a folder, or below something that is none.
    """
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if path.is_dir() or not above.is_dir():
        raise ValueError(
            f"expected a file to write, received {path}, "
            f"{'a folder' if path.is_dir() else f'below the file {above}'}; name an .html file"
        )


def write_page(path: Path, template: str, content: Mapping[str, object]) -> None:
    """Fill `template` with `content` and write it to `path`, whole or not at all.

    What is not `Markup` is escaped: names of a data set are text of strangers.

    Raises:
        ValueError: When no file can be there.
    """
    require_page(path)
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
