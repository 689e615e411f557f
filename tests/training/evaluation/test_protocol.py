import pytest

from tests.evaluation_reports import made_up_protocol

SERVED = "at most 32 evenly spaced frames, one by one"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {},
            "every tracklet is a query against all others; same identity and same camera left out; "
            f"cosine; standard average precision; {SERVED}",
        ),
        (
            {"queries": "of the split", "average_precision": "mars", "same_outfit": "exclude"},
            "the split's queries against its gallery with the queries; same identity and same "
            "camera or same outfit left out; cosine; official MARS (trapezoid) average precision; "
            f"{SERVED}",
        ),
        (
            {
                "queries": "of the split", "gallery_includes_query": False, "same_camera": "keep",
                "frames": "dense", "clips": "interleaved",
            },
            "the split's queries against its gallery without the queries; cosine; standard average "
            "precision; every frame, in interleaved clips of 8",
        ),
        (
            {"rerank": "k1 20", "query_expansion": 3},
            "every tracklet is a query against all others; same identity and same camera left out; "
            "cosine; queries expanded with 3 neighbours; re-ranked (k1 20); standard average "
            f"precision; {SERVED}",
        ),
        (
            {"frames": "fast", "clips": "consecutive"},
            "every tracklet is a query against all others; same identity and same camera left out; "
            "cosine; standard average precision; the first frame of each of 8 chunks, in "
            "consecutive clips of 8",
        ),
        (
            {"frames": "1"},
            "every tracklet is a query against all others; same identity and same camera left out; "
            "cosine; standard average precision; the middle frame, one by one",
        ),
        (
            {"frames": "8", "clips": "interleaved"},
            "every tracklet is a query against all others; same identity and same camera left out; "
            "cosine; standard average precision; at most 8 evenly spaced frames, in interleaved "
            "clips of 8",
        ),
    ],
)  # fmt: skip
def test_the_sentence_says_all_that_numbers_depend_on(changes, sentence):
    assert made_up_protocol(**changes).sentence() == sentence


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({}, "split 'folder' of drawn people"),
        ({"splits": ("1", "2")}, "2 splits of drawn people"),
        ({"validation_identities": 50}, "the last 50 identities of drawn people"),
    ],
)
def test_the_subject_is_named(changes, subject):
    assert made_up_protocol(**changes).subject == subject
