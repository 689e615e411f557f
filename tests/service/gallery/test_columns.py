from hypothesis import given
from hypothesis import strategies as st

from service.gallery.columns import MetadataColumns
from service.gallery.filters import EVERYTHING
from tests.gallery_rows import filters, metadatas


@given(st.lists(metadatas, max_size=12), filters)
def test_the_mask_is_the_filter_row_by_row(rows, chosen):
    columns = MetadataColumns()
    for metadata in rows:
        columns.append(metadata)
    # The columns know no ids; any id but the excluded one stands for a row here.
    assert columns.mask(chosen).tolist() == [chosen.matches("other", row) for row in rows]
    assert len(columns) == len(rows)


@given(metadatas, filters)
def test_columns_grow_and_keep_what_they_hold(metadata, chosen):
    columns = MetadataColumns()
    for _ in range(200):
        columns.append(metadata)
    assert columns.mask(chosen).tolist() == [chosen.matches("other", metadata)] * 200
    assert columns.mask(EVERYTHING).all()
