"""Every router of the service; the paths of an earlier one go before those of a later one."""

from service.api import (
    aliases,
    batches,
    bulk,
    embed,
    export,
    galleries,
    gallery_verify,
    health,
    identities,
    identity_changes,
    search,
    served_model,
    tracklets,
)

ROUTERS = (
    embed.router,
    search.router,
    batches.router,
    bulk.router,
    export.router,
    tracklets.router,
    identity_changes.router,
    identities.router,
    gallery_verify.router,
    galleries.router,
    aliases.router,
    health.router,
    served_model.router,
)
