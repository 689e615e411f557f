"""The threads that scan galleries, each on rows of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache, partial

import faiss
from threadpoolctl import ThreadpoolController

from service.cpu_count import usable_cores
from service.gallery.index.self_test import require_honoured_filter


class Scanner:
    """Runs the scans of any number of galleries, for any number of threads at once.

    NumPy's BLAS is held to one thread while a scanner is open: its own threads wait for each other
    in busy loops, and with other work on the cores a product then takes many times as long.

    Args:
        threads: That scan; with one, the thread that asks does.

    Raises:
        ReidError: When the FAISS that was loaded does not honour filters.
    """

    def __init__(self, threads: int) -> None:
        require_honoured_filter()
        self._threads = threads
        self._pool = ThreadPoolExecutor(
            threads, "scan", initializer=partial(faiss.omp_set_num_threads, 1)
        )
        controller = ThreadpoolController()
        paths = [library["filepath"] for library in controller.select(user_api="blas").info()]
        # FAISS brings a BLAS of its own, which no scan uses.
        numpys = [path for path in paths if "faiss" not in path]
        self._limits = controller.select(filepath=numpys).limit(limits=1)

    def run(self, work: Callable[[], None], *, worth_sharing: bool) -> None:
        """Call `work` in every thread at once until all have returned.

        Args:
            work: Takes pieces from a common store until there is none.
            worth_sharing: Otherwise it is called here, and nobody waits for a thread.
        """
        if self._threads == 1 or not worth_sharing:
            # OpenMP keeps this number for each thread.
            faiss.omp_set_num_threads(1)
            work()
            return
        running = [self._pool.submit(work) for _ in range(self._threads)]
        wait(running)
        for ended in running:
            ended.result()

    def close(self) -> None:
        """End the threads, and give BLAS back its own."""
        self._pool.shutdown()
        self._limits.restore_original_limits()


@cache
def shared_scanner() -> Scanner:
    """One scanner for the whole process, with a thread for each core that it may use."""
    return Scanner(usable_cores())
