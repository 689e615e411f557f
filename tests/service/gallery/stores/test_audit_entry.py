"""An entry of the audit log survives being kept as text."""

from hypothesis import given
from hypothesis import strategies as st

from service.gallery.stores.audit_entry import AuditEntry, audit_text, parse_audit

texts = st.text(st.characters(codec="utf-8"), max_size=20)
entries = st.builds(
    AuditEntry,
    at_s=st.floats(0, 4e9),
    actor=texts,
    action=st.sampled_from(["search", "erase"]),
    gallery=texts,
    subject=st.none() | texts,
    purpose=st.none() | texts,
    request_id=st.none() | texts,
    count=st.none() | st.integers(0, 10**6),
)


@given(entries)
def test_an_entry_that_was_kept_comes_back_the_same(entry):
    assert parse_audit(audit_text(entry)) == entry
    assert parse_audit(audit_text(entry).encode()) == entry
