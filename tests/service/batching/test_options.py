import pytest

from service.batching.options import BatcherOptions


@pytest.mark.parametrize("sizes", [(), (0, 1), (2, 1), (1, 1)])
def test_sizes_that_do_not_ascend_are_refused(sizes):
    with pytest.raises(ValueError, match="batch sizes") as caught:
        BatcherOptions(sizes)

    assert str(caught.value) == (
        f"expected ascending batch sizes of 1 or more, received {list(sizes)}; "
        "correct REID_BATCH_SIZES"
    )


@pytest.mark.parametrize("share", [0.0, 0.51])
def test_a_share_that_starves_a_class_is_refused(share):
    with pytest.raises(ValueError, match="share of bulk") as caught:
        BatcherOptions((1,), bulk_share=share)

    assert str(caught.value) == (
        f"expected a share of bulk above 0 and at most 0.5, received {share}; "
        "correct REID_BULK_SHARE"
    )


@pytest.mark.parametrize("delay_s", [-0.001, 0.0051])
def test_a_delay_above_five_milliseconds_is_refused(delay_s):
    with pytest.raises(ValueError, match="delay") as caught:
        BatcherOptions((1,), max_delay_s=delay_s)

    assert str(caught.value) == (
        f"expected a delay of 0 to 0.005 s, received {delay_s}; correct REID_MAX_BATCH_DELAY_S"
    )


def test_nothing_waits_for_a_fuller_batch_by_default():
    assert BatcherOptions((1,)).max_delay_s == 0
