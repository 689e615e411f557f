"""What `reid-train data check` found, for people and for programs."""

from training.data.part_counts import PartCounts
from training.data.query_matches import QueryMatches
from training.frozen_model import FrozenModel


class Problem(FrozenModel):
    """One kind of thing that is wrong: the sentence, how many paths, and the first of them."""

    message: str
    paths: int = 0
    first: tuple[str, ...] = ()


class PartCheck(FrozenModel):
    """Counts of a part, the published ones there are, and the measures that differ."""

    found: PartCounts
    published: dict[str, int]
    differing: tuple[str, ...]


class SplitCheck(FrozenModel):
    """One split.

    Attributes:
        name: Of the split.
        parts: `train`, `query` and `gallery`.
        learned_and_asked: Identities that are both learned from and asked about.
        matches: Which queries have a right answer, by gallery; empty without queries.
    """

    name: str
    parts: dict[str, PartCheck]
    learned_and_asked: int
    matches: tuple[QueryMatches, ...]


class DataCheck(FrozenModel):
    """All that was found.

    Attributes:
        name: Of the data set in the catalogue.
        title: Its name in publications.
        root: Where it was looked for.
        expected_tree: The layout that its reader expects.
        found_tree: What is there.
        problems: What makes it unusable; nothing when it can be read.
        splits: Empty when it cannot be read.
        decoded: How many frames were decoded.
    """

    name: str
    title: str
    root: str
    expected_tree: str
    found_tree: str
    problems: tuple[Problem, ...]
    splits: tuple[SplitCheck, ...] = ()
    decoded: int = 0

    @property
    def differs(self) -> bool:
        """Whether any count is not as published."""
        return any(part.differing for split in self.splits for part in split.parts.values())
