"""All errors of the service, wherever they are defined."""

from service.access import refusals
from service.errors import ReidError
from service.gallery import gallery_errors

ELSEWHERE = (refusals.Unauthorized, gallery_errors.StoreUnavailable)
"""An error of each further file; importing it makes the file's errors part of the tree."""


def every_error(of: type[ReidError] = ReidError) -> list[type[ReidError]]:
    """The class and all that are made from it, parents first."""
    return [of, *(deeper for one in of.__subclasses__() for deeper in every_error(one))]
