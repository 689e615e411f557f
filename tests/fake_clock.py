"""A clock for tests of what depends on time."""


class FakeClock:
    """Stands until it is moved."""

    def __init__(self, now_s=100.0):
        self.now_s = now_s

    def __call__(self):
        return self.now_s
