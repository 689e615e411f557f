from pathlib import Path

import pytest

from training.data.data_set import DataSet, Split
from training.data.tracklet import Tracklet
from training.evaluation.retrieval_task import RetrievalTask, choose_tasks, distinct_tracklets


def tracklet(name, identity=1, frame="1.jpg"):
    return Tracklet(name, identity, 1, (Path(frame),))


QUERY = (tracklet("b"), tracklet("c"))
SPLIT = Split("official", train=(), query=QUERY, gallery=(tracklet("a"), tracklet("c")))
FOLDER = Split("folder", train=tuple(tracklet(f"t{i}", i) for i in range(1, 6)))


def names(tracklets):
    return [one.name for one in tracklets]


@pytest.mark.parametrize(
    ("rule", "gallery", "included"),
    [("official", "ac", True), ("with-queries", "abc", True), ("without-queries", "a", False)],
)
def test_the_gallery_holds_the_queries_or_not(rule, gallery, included):
    (task,) = choose_tasks(DataSet("drawn", (SPLIT,)), gallery=rule).tasks
    assert names(task.gallery) == list(gallery)
    assert names(task.query) == ["b", "c"]
    assert task.gallery_includes_query is included
    assert not task.asks_itself


def test_a_split_without_queries_asks_itself():
    (task,) = choose_tasks(DataSet("drawn", (FOLDER,))).tasks
    assert task.query == task.gallery == FOLDER.train
    assert task.asks_itself


def test_held_out_identities_ask_about_each_other():
    chosen = choose_tasks(DataSet("drawn", (FOLDER,)), validation_identities=2)
    assert chosen.validation_identities == 2
    assert names(chosen.tasks[0].query) == names(chosen.tasks[0].gallery) == ["t4", "t5"]


@pytest.mark.parametrize("choice", [{}, {"validation_identities": 2}])
def test_a_gallery_cannot_be_changed_where_there_are_no_queries(choice):
    with pytest.raises(ValueError, match="expected queries for a gallery with-queries, received"):
        choose_tasks(DataSet("drawn", (FOLDER,)), gallery="with-queries", **choice)


def test_one_of_several_splits_is_named_or_all_are():
    data_set = DataSet("drawn", (SPLIT, FOLDER))
    assert [task.split for task in choose_tasks(data_set, split="folder").tasks] == ["folder"]
    assert [task.split for task in choose_tasks(data_set, split="all").tasks] == [
        "official",
        "folder",
    ]
    with pytest.raises(
        ValueError, match=r"out of \['official', 'folder'\], or 'all', received none"
    ):
        choose_tasks(data_set)
    with pytest.raises(ValueError, match="received 'other'; choose one of them"):
        choose_tasks(data_set, split="other")


def test_outfits_are_left_out_where_the_split_says_so():
    split = Split("clothes", train=(), query=QUERY, gallery=QUERY, excludes_same_outfit=True)
    assert choose_tasks(DataSet("drawn", (split,))).tasks[0].excludes_same_outfit


def test_splits_that_leave_out_different_outfits_are_not_averaged():
    clothes = Split("clothes", train=(), query=QUERY, gallery=QUERY, excludes_same_outfit=True)
    data_set = DataSet("drawn", (SPLIT, clothes))
    with pytest.raises(
        ValueError,
        match=r"received \['official', 'clothes'\] of drawn; name one of them with --spl",
    ):
        choose_tasks(data_set, split="all")
    assert choose_tasks(data_set, split="clothes").tasks[0].excludes_same_outfit


def test_everyone_is_embedded_once():
    tasks = [RetrievalTask("1", QUERY, SPLIT.gallery), RetrievalTask("2", FOLDER.train, QUERY)]
    assert names(distinct_tracklets(tasks)) == ["a", "b", "c", "t1", "t2", "t3", "t4", "t5"]
    clash = RetrievalTask("3", (tracklet("a", frame="2.jpg"),), ())
    with pytest.raises(ValueError, match="expected one tracklet of the name 'a' in a data set"):
        distinct_tracklets([*tasks, clash])
