import pytest

from service.gallery.index import block_scan, scan_plan
from service.gallery.index.scanner import Scanner


@pytest.fixture(scope="module")
def scanner():
    """Two threads that scan."""
    made = Scanner(2)
    yield made
    made.close()


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of a few rows, so that a small gallery takes many units and every way."""
    for module, name, value in (
        (scan_plan, "BLOCK_ROWS", 32),
        (block_scan, "BLOCK_ROWS", 32),
        (scan_plan, "_FIRST_SELECTED", 16),
        (scan_plan, "_SELECTED_AT_ONCE", 16),
        (block_scan, "_COPIED_AT_ONCE", 8),
    ):
        monkeypatch.setattr(module, name, value)
