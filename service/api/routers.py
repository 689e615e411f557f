"""Every router of each port; the paths of an earlier one go before those of a later one."""

from service.api import (
    admin,
    aliases,
    audit,
    batches,
    bulk,
    embed,
    embed_bulk,
    erasures,
    export,
    galleries,
    gallery_verify,
    health,
    identities,
    identity_changes,
    kserve,
    metrics,
    openai,
    search,
    served_model,
    tracklets,
)

ROUTERS = (
    embed.router,
    embed_bulk.router,
    search.router,
    batches.router,
    bulk.router,
    export.router,
    tracklets.router,
    identity_changes.router,
    identities.router,
    gallery_verify.router,
    erasures.router,
    galleries.router,
    aliases.router,
    health.router,
    served_model.router,
    openai.router,
    kserve.health_router,
    kserve.router,
)

ADMIN_ROUTERS = (admin.router, audit.router, metrics.router, health.router)
"""Of the second port, which only operators can reach."""
