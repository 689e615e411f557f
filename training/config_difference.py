"""Which keys of two configurations differ, each with both values."""

from collections.abc import Mapping

# What changes where or how often files are written, or who decodes frames, and no number of a run.
WITHOUT_EFFECT = (
    "run_dir",
    "data.root",
    "clips.workers",
    "clips.cache_mib",
    "checkpoint_every_steps",
    "tensorboard",
    "expected",
)


def config_difference(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """`key: before → after` of every key that matters and differs; dotted, sorted.

    Keys in `WITHOUT_EFFECT`, and all below them, do not matter.
    """
    old, new = _flat(before), _flat(after)
    return [
        f"{key}: {_said(old, key)} → {_said(new, key)}"
        for key in sorted(old.keys() | new.keys())
        if _said(old, key) != _said(new, key) and not _without_effect(key)
    ]


def _flat(content: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Values by dotted key; an empty section counts as a value."""
    flat: dict[str, object] = {}
    for name, value in content.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{key}.")
        else:
            flat[key] = value
    return flat


def _said(flat: Mapping[str, object], key: str) -> str:
    return repr(flat[key]) if key in flat else "absent"


def _without_effect(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in WITHOUT_EFFECT)
