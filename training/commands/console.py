"""What all commands share: one way to report errors, one kind of progress bar."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

errors = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]


@contextmanager
def errors_for_people(*, interrupted: str = "interrupted") -> Iterator[None]:
    """What the user can mend is one red paragraph and status 1; anything else is a traceback.

    Args:
        interrupted: What to say when Ctrl-C ends the body.
    """
    try:
        yield
    except (ValueError, OSError, FloatingPointError) as error:
        errors.print(f"error: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as interrupt:
        errors.print(interrupted, markup=False, highlight=False)
        raise typer.Exit(130) from interrupt


def progress_bars() -> Progress:
    """A bar per task on stderr, with what is done and the time that remains."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
    )


def commit() -> str:
    """The commit of the code, marked when the tree differs from it; `unknown` outside git."""
    git = ("git", "-C", str(Path(__file__).parent))
    try:
        answer = subprocess.run(  # noqa: S603
            [*git, "describe", "--always", "--abbrev=12", "--dirty"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()
