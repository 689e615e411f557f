"""The shipped files that are configurations, not a card's words or variants of one."""

from pathlib import Path

CONFIGS_FOLDER = Path("training/configs")
SHIPPED_CONFIGS = sorted(
    path
    for path in CONFIGS_FOLDER.rglob("*.yaml")
    if not path.name.endswith((".card.yaml", ".variants.yaml"))
)
