"""What a person sees while tracklets go to a service or come from it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Advance: TypeAlias = Callable[[int], None]
"""Called with how many more tracklets are done."""


@contextmanager
def progress_bar(verb: str, total: int) -> Iterator[Advance]:
    """A bar on standard error, of `total` tracklets."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("tracklets, left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(verb, total=total)
        yield lambda count: progress.advance(task, count)
