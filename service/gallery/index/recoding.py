"""New codes for what living rows have, so that values of rows that are gone are forgotten.

Tables of values only grow while rows are written. Without this, a person's name would stay in
memory after the last row of that person, and a field with another value in each row would fill it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from service.gallery.index.anonymous_memory import zeros
from service.gallery.index.draft import DraftPart
from service.gallery.index.vocabulary import UNKNOWN, ValueTable, Vocabulary

Codes = NDArray[np.int32]

_SPARE_VALUES = 4096
"""A small gallery may keep so many values of rows that are gone."""


def is_overgrown(vocabulary: Vocabulary, tracklets: int) -> bool:
    """Whether a table has more than twice as many values as the living rows can need."""
    most = 2 * tracklets + _SPARE_VALUES
    return any(len(table) > most for table in vocabulary.tables())


def recode(parts: Sequence[DraftPart], vocabulary: Vocabulary) -> Vocabulary:
    """Give the segments new columns of codes, and return the vocabulary that these belong to.

    Older views keep the columns and the vocabulary that they have.
    """
    living = [part.living_slots() for part in parts]
    columns = [part.segment.columns for part in parts]
    cameras, camera_codes = recoded(vocabulary.cameras, [one.camera for one in columns], living)
    identities, identity_codes = recoded(
        vocabulary.identities, [one.identity for one in columns], living
    )
    for part, camera, identity in zip(parts, camera_codes, identity_codes, strict=True):
        part.segment.columns = replace(part.segment.columns, camera=camera, identity=identity)
    attributes = {}
    for name in vocabulary.attribute_names():
        table = _recode_attribute(parts, name, vocabulary.attribute(name))
        if len(table):
            attributes[name] = table
    return Vocabulary(cameras, identities, attributes)


def _recode_attribute(parts: Sequence[DraftPart], name: str, table: ValueTable) -> ValueTable:
    """A table without values where no living row has the attribute; then its columns are gone."""
    having = [part for part in parts if name in part.segment.attributes]
    table, columns = recoded(
        table,
        [part.segment.attributes[name] for part in having],
        [part.living_slots() for part in having],
    )
    for part, codes in zip(having, columns, strict=True):
        kept = {key: held for key, held in part.segment.attributes.items() if key != name}
        part.segment.attributes = {**kept, name: codes} if len(table) else kept
    return table


def recoded(
    table: ValueTable, columns: list[Codes], living: list[NDArray[np.int64]]
) -> tuple[ValueTable, list[Codes]]:
    """The values that living slots have, and columns of their new codes."""
    used = np.zeros(len(table) + 1, dtype=np.bool_)
    for codes, slots in zip(columns, living, strict=True):
        used[codes[slots]] = True
    # The last element stands for `UNKNOWN`, which is -1.
    used[UNKNOWN] = False
    kept = np.flatnonzero(used)
    new_code = np.full(len(table) + 1, UNKNOWN, np.int32)
    new_code[kept] = np.arange(len(kept))
    recoded = []
    for codes in columns:
        column = zeros(codes.shape, np.int32)
        column[:] = new_code[codes]
        recoded.append(column)
    return ValueTable(table[code] for code in kept.tolist()), recoded
