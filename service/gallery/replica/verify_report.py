"""What a comparison of a gallery's copies found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison.

    Attributes:
        name: What was compared.
        agrees: Whether it was as it should be.
        detail: What was found, in words.
    """

    name: str
    agrees: bool
    detail: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Every comparison of one gallery.

    Attributes:
        gallery: Name of the gallery.
        gallery_id: Its id.
        seq: The write after which it was compared.
        tracklets: As the store counts them.
        damaged: Ids of the rows that are damaged in the store.
        checks: Each comparison, in the order in which they were made.
    """

    gallery: str
    gallery_id: str
    seq: int
    tracklets: int
    damaged: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def agrees(self) -> bool:
        """Whether every comparison found what it should."""
        return all(check.agrees for check in self.checks)
