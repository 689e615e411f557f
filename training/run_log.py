"""One JSON line per step, written out before the next step begins."""

import json
from pathlib import Path
from types import TracebackType
from typing import Self

from model.durable_file import durable_file


class RunLog:
    """Append-only `steps.jsonl`. On resume, lines after the checkpoint's step are dropped.

    Use as a context manager.
    """

    def __init__(self, path: Path, *, resume_at_step: int) -> None:
        kept = self._lines_before(path, resume_at_step)
        with durable_file(path) as temporary:
            temporary.write_text("".join(kept), encoding="utf-8")
        self._stream = path.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def write(self, **fields: float | str) -> None:
        """Append one line with these fields."""
        self._stream.write(json.dumps(fields) + "\n")
        self._stream.flush()

    @staticmethod
    def _lines_before(path: Path, step: int) -> list[str]:
        if step == 0 or not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        return [line for line in whole if json.loads(line)["step"] < step]
