"""The receipt of an erasure survives being kept as text, and names nothing biometric."""

from hypothesis import given
from hypothesis import strategies as st

from service.gallery.stores.erasure_receipt import (
    ErasurePlace,
    ErasureReceipt,
    parse_receipt,
    receipt_text,
)

texts = st.text(st.characters(codec="utf-8"), max_size=20)
moments = st.floats(0, 4e9)
places = st.builds(
    ErasurePlace,
    texts,
    st.sampled_from(["pending", "erased", "never_stored", "operator"]),
    moments,
    st.none() | texts,
)
receipts = st.builds(
    ErasureReceipt,
    receipt_id=texts,
    gallery_id=texts,
    identity=st.none() | texts,
    tracklet_id=st.none() | texts,
    driver=texts,
    state=st.sampled_from(["erasing", "final"]),
    places=st.lists(places, max_size=3).map(tuple),
    requested_s=moments,
    deadline_s=moments,
    final_s=st.none() | moments,
    upto_seq=st.none() | st.integers(0, 2**63 - 1),
    deleted_seq=st.integers(0, 2**63 - 1),
    tracklets=st.integers(0, 10**6),
)


@given(receipts)
def test_a_receipt_that_was_kept_comes_back_the_same(receipt):
    assert parse_receipt(receipt_text(receipt)) == receipt
    assert parse_receipt(receipt_text(receipt).encode()) == receipt
