"""What every reader returns: splits of tracklets, to learn from, to ask about and to search."""

from dataclasses import dataclass

from training.data.tracklet import Tracklet


@dataclass(frozen=True, slots=True)
class Split:
    """One division of a data set; most have one, iLIDS-VID and PRID-2011 have ten.

    Attributes:
        name: `official`, or which of several: `split-03`, `clothes-changing`; `folder` where a
            single folder of images was given.
        train: Tracklets to learn from, sorted by name; junk and distractors may be among them.
        query: Tracklets to ask about, sorted by name; empty where the folder has none.
        gallery: Tracklets to search, sorted by name. Queries are among them, under the same name,
            where the official protocol searches them too (MARS, DukeMTMC-VideoReID).
        excludes_same_outfit: Whether the protocol also leaves out the gallery's tracklets of the
            query's identity in the query's outfit (clothes-changing protocols).
    """

    name: str
    train: tuple[Tracklet, ...]
    query: tuple[Tracklet, ...] = ()
    gallery: tuple[Tracklet, ...] = ()
    excludes_same_outfit: bool = False


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set as read from disk.

    Attributes:
        name: Its key in the catalogue.
        splits: At least one, in the order of the protocol.
    """

    name: str
    splits: tuple[Split, ...]

    def split(self, name: str | None = None) -> Split:
        """The split of that name; without a name, the first.

        Raises:
            ValueError: When there is none of that name.
        """
        if name is None:
            return self.splits[0]
        for split in self.splits:
            if split.name == name:
                return split
        raise ValueError(
            f"expected a split of {self.name} out of {[split.name for split in self.splits]}, "
            f"received {name!r}; choose one of them"
        )
