import threading

import faiss
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from service.gallery.index.scanner import Scanner, shared_scanner


def blas_threads():
    """Of NumPy's BLAS, and not of the one that FAISS brings."""
    (one,) = {
        info["num_threads"]
        for info in threadpool_info()
        if info["user_api"] == "blas" and "faiss" not in info["filepath"]
    }
    return one


@pytest.fixture
def scanner():
    made = Scanner(3)
    yield made
    made.close()


def test_work_worth_sharing_is_called_in_every_thread_at_once(scanner):
    together = threading.Barrier(3, timeout=10)
    scanner.run(together.wait, worth_sharing=True)


@pytest.mark.parametrize(("threads", "worth_sharing"), [(1, True), (3, False)])
def test_other_work_is_done_once_by_whoever_asks_with_one_thread_of_faiss(threads, worth_sharing):
    made, seen = Scanner(threads), []
    try:
        made.run(
            lambda: seen.append((threading.current_thread(), faiss.omp_get_max_threads())),
            worth_sharing=worth_sharing,
        )
    finally:
        made.close()
    assert seen == [(threading.current_thread(), 1)]


def test_what_fails_in_one_thread_fails_for_whoever_asked(scanner):
    taken = iter([True, False, False])
    lock = threading.Lock()

    def work():
        with lock:
            fails = next(taken)
        if fails:
            raise ValueError("one of three")

    with pytest.raises(ValueError, match="one of three"):
        scanner.run(work, worth_sharing=True)


def test_blas_has_one_thread_while_a_scanner_is_open():
    np.ones((2, 2)) @ np.ones((2, 2))
    before = blas_threads()
    made = Scanner(2)
    assert blas_threads() == 1
    made.close()
    assert blas_threads() == before


def test_the_process_shares_one():
    assert shared_scanner() is shared_scanner()
