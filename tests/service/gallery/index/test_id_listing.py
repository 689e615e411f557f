from service.gallery.index.id_listing import IdListing


class Rows:
    """All that a listing asks of a view; `during` happens while the ids are read."""

    def __init__(self, *ids, during=lambda: None):
        self.ids = ids
        self.during = during

    def living_ids(self):
        self.during()
        return list(self.ids)


def show():
    """Nobody else looks."""


def test_ids_come_in_order_after_the_one_asked_from():
    listing, view = IdListing(), Rows("b", "ä", "a", "c")
    assert listing.following(view, None, 2) == ["a", "b"]
    assert listing.following(view, "b", 9) == ["c", "ä"]
    assert listing.following(view, "ä", 9) == []


def test_the_order_follows_every_write():
    listing = IdListing()
    first = Rows("a", "b")
    assert listing.following(first, None, 9) == ["a", "b"]
    second = Rows("b", "c")
    listing.publish(second, ["c"], ["a", "never there"], show)
    assert listing.following(second, None, 9) == ["b", "c"]


def test_a_write_while_the_ids_are_put_in_order_is_not_missed():
    listing = IdListing()
    newer = Rows("b", "c")
    older = Rows("a", "b", during=lambda: listing.publish(newer, ["c"], ["a"], show))
    assert listing.following(older, None, 9) == ["b", "c"]


def test_the_order_is_made_of_the_latest_view_and_not_of_an_older_reader():
    listing = IdListing()
    latest = Rows("a", "new")
    listing.publish(latest, ["new"], [], show)
    assert listing.following(Rows("a"), None, 9) == ["a", "new"]


def test_whoever_sees_a_view_finds_its_ids_listed():
    listing, seen = IdListing(), []
    listing.following(Rows("a"), None, 1)
    view = Rows("a", "b")
    listing.publish(view, ["b"], [], lambda: seen.append(view))
    assert seen == [view]
    assert listing.following(view, "a", 1) == ["b"]
