"""What a segment holds of each row beside its embedding, one array per field."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.gallery.index.anonymous_memory import zeros

START_KNOWN = 1
END_KNOWN = 2


@dataclass(frozen=True, slots=True, eq=False)
class RowColumns:
    """Arrays [n].

    Attributes:
        camera: Code in the vocabulary, -1 where it is not known.
        identity: Likewise.
        begin_s: Start of the interval that filters compare; NaN without times.
        finish_s: Its end; equal to the start where only one of them is known.
        times_known: Which of start and end are.
        expires_s: Infinite for rows that are kept.
        enrolled_s: When the row was enrolled.
        seq: Of the write.
        digest: Of the row, as `row_codec.row_digest` has it.
        id_hash: Of the tracklet id, so that few ids have to be compared.
        id_end: Where the id ends in the bytes of all ids; it starts where the one before ends.
    """

    camera: NDArray[np.int32]
    identity: NDArray[np.int32]
    begin_s: NDArray[np.float64]
    finish_s: NDArray[np.float64]
    times_known: NDArray[np.uint8]
    expires_s: NDArray[np.float64]
    enrolled_s: NDArray[np.float64]
    seq: NDArray[np.int64]
    digest: NDArray[np.uint64]
    id_hash: NDArray[np.uint64]
    id_end: NDArray[np.int64]

    @classmethod
    def allocated(cls, rows: int) -> "RowColumns":
        """Columns of zeros."""
        size = (rows,)
        return cls(
            camera=zeros(size, np.int32),
            identity=zeros(size, np.int32),
            begin_s=zeros(size, np.float64),
            finish_s=zeros(size, np.float64),
            times_known=zeros(size, np.uint8),
            expires_s=zeros(size, np.float64),
            enrolled_s=zeros(size, np.float64),
            seq=zeros(size, np.int64),
            digest=zeros(size, np.uint64),
            id_hash=zeros(size, np.uint64),
            id_end=zeros(size, np.int64),
        )

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> "RowColumns":
        """The columns that `arrays` gave by name.

        Raises:
            KeyError: When one is missing.
        """
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All of them by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def id_start(self, slot: int) -> int:
        """Where the id of a row starts in the bytes of all ids."""
        return 0 if slot == 0 else self.id_end.item(slot - 1)
