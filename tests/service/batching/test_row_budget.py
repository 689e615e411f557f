from service.batching.row_budget import RowBudget

SIZES = (1, 2, 4, 8, 16)


def run_full(budget, times):
    for _ in range(times):
        budget.ran(budget.rows)


def test_the_largest_batch_is_allowed_until_it_does_not_fit():
    assert RowBudget(SIZES).rows == 16


def test_half_of_what_did_not_fit_is_allowed():
    budget = RowBudget(SIZES)

    assert budget.shrink(16)
    assert budget.rows == 8
    assert budget.shrink(5)
    assert budget.rows == 2


def test_the_smallest_that_does_not_fit_cannot_be_halved():
    assert not RowBudget(SIZES).shrink(1)
    assert not RowBudget((8, 16)).shrink(8)


def test_below_half_the_smallest_size_it_is_the_smallest():
    budget = RowBudget((8, 12))

    assert budget.shrink(12)
    assert budget.rows == 8


def test_the_next_size_is_tried_after_many_full_runs_and_no_smaller_ones():
    budget = RowBudget(SIZES)
    budget.shrink(16)
    for _ in range(500):
        budget.ran(4)
    assert budget.rows == 8

    run_full(budget, 63)
    assert budget.rows == 8
    run_full(budget, 1)
    assert budget.rows == 16


def test_each_failure_doubles_the_patience():
    budget = RowBudget(SIZES)
    budget.shrink(16)
    run_full(budget, 64)
    budget.shrink(16)

    run_full(budget, 127)
    assert budget.rows == 8
    run_full(budget, 1)
    assert budget.rows == 16


def test_it_never_grows_beyond_the_largest():
    budget = RowBudget(SIZES)
    run_full(budget, 1000)

    assert budget.rows == 16
