import pytest
from jinja2 import UndefinedError

from tests.training.visualize.page_reader import Page
from training.visualize.page import require_page, write_page

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


def test_a_folder_or_a_place_below_a_file_is_no_page(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="expected a file to write, received .*, a folder; name"):
        require_page(tmp_path)
    with pytest.raises(ValueError, match="below the file .*file; name an .html file"):
        write_page(tmp_path / "file" / "reports" / "page.html", "report.html.j2", {})
    require_page(tmp_path / "new" / "page.html")
