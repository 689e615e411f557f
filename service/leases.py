"""Who still uses a thing that has been replaced."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Leased(Generic[T]):
    """Counts the users of a thing; used by one event loop.

    Args:
        thing: What is used.
    """

    def __init__(self, thing: T) -> None:
        self.thing = thing
        self._users = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def users(self) -> int:
        """How many use it now."""
        return self._users

    @contextmanager
    def lease(self) -> Iterator[T]:
        """The thing, in use for the body of the `with`."""
        self._users += 1
        self._idle.clear()
        try:
            yield self.thing
        finally:
            self._users -= 1
            if not self._users:
                self._idle.set()

    async def idle(self) -> None:
        """Wait until nobody uses it."""
        await self._idle.wait()
