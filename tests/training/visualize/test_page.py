import pytest
from jinja2 import UndefinedError

from tests.training.visualize.page_reader import Page
from training.visualize.page import write_page

CONTENT = {"facts": {}, "scale": "data:x", "frames": [], "rows": [], "bars": [], "notes": []}


def test_the_page_is_one_file_with_its_style_and_its_folder_is_made(tmp_path):
    path = tmp_path / "new" / "page.html"
    write_page(path, "attention.html.j2", {"title": "<b>Title</b>", **CONTENT})
    page = Page(path.read_text(encoding="utf-8"))
    assert page.fetched == []
    assert page.all("b") == []
    assert page.words.startswith("<b>Title</b>")
    assert page.all("html", lang="en")
    assert page.all("meta", name="viewport")
    text = path.read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert "@import" not in text


def test_content_that_a_template_misses_is_an_error_and_no_file(tmp_path):
    with pytest.raises(UndefinedError):
        write_page(tmp_path / "page.html", "attention.html.j2", {"title": "x"})
    assert list(tmp_path.iterdir()) == []
