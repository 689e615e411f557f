import pytest

from service.gallery.gallery_errors import GalleryNotFound
from service.gallery.stores.redis_keys import keys_of

ID = "0123456789abcdef" * 2


def test_every_key_of_a_gallery_has_its_hash_tag_and_is_another():
    keys = keys_of(ID)
    names = [*keys.all_but_answers(), keys.answer("k")]
    assert all(name.startswith(f"reid:{{{ID}}}:") for name in names)
    assert len(set(names)) == len(names) == 7
    assert keys.all_but_answers()[0] == keys.meta


def test_no_key_of_a_request_is_another_key():
    keys = keys_of(ID)
    for key in ["meta", "rows", "", "{x}:rows"]:
        assert keys.answer(key) not in keys.all_but_answers()


@pytest.mark.parametrize(
    "other", ["", ID[1:], ID.upper(), ID + "\n", "}:rows{" + ID[7:], "*" * 32, "x" * 1000]
)
def test_what_no_gallery_is_called_reaches_no_key(other):
    with pytest.raises(GalleryNotFound) as caught:
        keys_of(other)
    assert str(caught.value) == (
        f"expected the id of a gallery in the store, received {other[:60]!r}; "
        "list the galleries; one that was dropped does not come back"
    )
