from service.gallery.replica.replica_status import ReplicaStatus
from service.gallery.stores.protocol import GalleryState


def status(state, stored_seq):
    return ReplicaStatus("g", "serving", True, "", state, stored_seq, 0, 0, None, (), 0, 0, 0, 0)


def test_the_lag_is_what_was_not_applied_and_never_negative():
    assert status(GalleryState(7, 0, 0, ""), 9).lag == 2
    assert status(GalleryState(9, 0, 0, ""), 7).lag == 0
    assert status(None, 7).lag == 7
