"""One JSON line per step, written out before the next step begins; TensorBoard beside it."""

import json
import math
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from model.durable_file import durable_file

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

STEPS_FILE = "steps.jsonl"
TENSORBOARD_FOLDER = "tensorboard"


class RunLog:
    """Append-only `steps.jsonl`. On resume, lines after the checkpoint's step are dropped.

    JSON has no infinity: the norm of a gradient that fp16 could not hold is `null` there.

    TensorBoard gets the same numbers, and is told to forget what was dropped. Use as a context
    manager.

    Args:
        run_dir: Folder of the run; it has to exist.
        resume_at_step: The first step that will be written.
        writes: Whether this process writes; one that does not opens no file.
        tensorboard: Whether to write event files.
    """

    def __init__(
        self, run_dir: Path, *, resume_at_step: int, writes: bool = True, tensorboard: bool = False
    ) -> None:
        self._run_dir = run_dir
        self._resume_at_step = resume_at_step
        self._writes = writes
        self._wants_board = writes and tensorboard
        self._stack = ExitStack()
        self._lines: TextIO | None = None
        self._board: SummaryWriter | None = None

    def __enter__(self) -> Self:
        if self._writes:
            path = self._run_dir / STEPS_FILE
            kept = self._lines_before(path, self._resume_at_step)
            with durable_file(path) as temporary:
                temporary.write_text("".join(kept), encoding="utf-8")
            self._lines = self._stack.enter_context(path.open("a", encoding="utf-8"))
        if self._wants_board:
            # Takes a second or two to load, which runs that do not want it should not pay.
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415

            board = SummaryWriter(
                self._run_dir / TENSORBOARD_FOLDER, purge_step=self._resume_at_step
            )
            self._stack.callback(board.close)
            self._board = board
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def write(self, *, step: int, **fields: float) -> None:
        """Append one line with these fields."""
        if self._lines is not None:
            line = {"step": step, **{name: _in_json(value) for name, value in fields.items()}}
            self._lines.write(json.dumps(line, allow_nan=False) + "\n")
            self._lines.flush()
        if self._board is not None:
            for name, value in fields.items():
                self._board.add_scalar(name, value, step)

    @staticmethod
    def _lines_before(path: Path, step: int) -> list[str]:
        if step == 0 or not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        return [line for line in whole if json.loads(line)["step"] < step]


def _in_json(value: float) -> float | None:
    return value if math.isfinite(value) else None
