"""Data sets of people who each pass two cameras once: iLIDS-VID and PRID-2011."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.data.data_set import Split
from training.data.frame_folders import folders_in, read_frame_folders
from training.data.layout_error import LayoutError, first_of
from training.data.tracklet import Tracklet

_PERSON = re.compile(r"person_?(\d+)")


@dataclass(frozen=True, slots=True)
class TwoViews:
    """Everybody whom both cameras saw, by the name of their folder.

    Attributes:
        asked: Person → tracklet of the first camera (1), which queries are taken from; sorted.
        known: Person → tracklet of the second camera (2), which is searched; the same people.
    """

    asked: Mapping[str, Tracklet]
    known: Mapping[str, Tracklet]

    @property
    def people(self) -> tuple[str, ...]:
        """Names of the folders, sorted."""
        return tuple(self.asked)

    def split(self, name: str, *, train: Iterable[str], test: Iterable[str]) -> Split:
        """Both tracklets of `train` to learn from, one of each of `test` to ask about."""
        learned, tested = sorted(train), sorted(test)
        both = [view[person] for person in learned for view in (self.asked, self.known)]
        return Split(
            name,
            train=tuple(sorted(both, key=lambda tracklet: tracklet.name)),
            query=tuple(self.asked[person] for person in tested),
            gallery=tuple(self.known[person] for person in tested),
        )


def read_two_views(
    cameras: tuple[Path, Path],
    *,
    frame: re.Pattern[str],
    example: str,
    last_person: int | None = None,
) -> TwoViews:
    """Read `<camera>/<person>/<frames>` of the people whom both cameras saw.

    Args:
        cameras: The folder of the queries' camera, then of the gallery's.
        frame: Pattern of a frame's name with a group `order`.
        example: Such a name, for messages.
        last_person: Beyond this number the same number is another person in each view.

    Raises:
        LayoutError: When a folder is missing or empty, a person is before one camera only, or a
            name is not as expected.
    """
    folders = [_people(camera, last_person) for camera in cameras]
    alone = [
        here[name] for here, there in (folders, folders[::-1]) for name in here if name not in there
    ]
    if alone:
        raise LayoutError(
            f"everybody before both cameras {cameras[0].name} and {cameras[1].name}",
            f"{first_of(alone)} before one",
            "restore the missing folders from the archive",
            paths=alone,
        )
    asked, known = (
        _tracklets(people, camera, frame=frame, example=example)
        for camera, people in enumerate(folders, start=1)
    )
    return TwoViews(asked, known)


def _people(camera: Path, last_person: int | None) -> dict[str, Path]:
    matches = [(_PERSON.fullmatch(folder.name), folder) for folder in folders_in(camera)]
    foreign = [folder for match, folder in matches if match is None]
    if foreign:
        raise LayoutError(
            f"folders named like person001 in {camera}",
            first_of(foreign),
            "remove what is not of the data set",
            paths=foreign,
        )
    return {
        folder.name: folder
        for match, folder in matches
        if match and (last_person is None or int(match[1]) <= last_person)
    }


def _tracklets(
    people: Mapping[str, Path], camera: int, *, frame: re.Pattern[str], example: str
) -> dict[str, Tracklet]:
    read = read_frame_folders(people.values(), frame, example=example)
    return {
        person: Tracklet(
            name=f"{person}_{folder.parent.name}",
            identity=int(person.removeprefix("person").removeprefix("_")),
            camera=camera,
            frames=tuple(path for _, path in read[folder]),
        )
        for person, folder in people.items()
    }
