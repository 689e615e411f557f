"""Why somebody is not served; the tree of all errors is in `service/errors.py`."""

from service.errors import Overloaded, ReidError


class Unauthorized(ReidError):
    """It is not known who asks."""

    status = 401
    code = "unauthorized"


class Forbidden(ReidError):
    """Who asks may not do this."""

    status = 403
    code = "forbidden"


class QuotaExceeded(Overloaded):
    """The key has asked for as much as it may; others are served."""

    code = "quota_exceeded"
