"""Which keys of two configurations differ, each with both values."""

import re
from collections.abc import Mapping

# What changes where or how often files are written, or who decodes frames, and no number of a run.
WITHOUT_EFFECT = (
    "run_dir",
    "data.root",
    "data.also.root",
    "clips.workers",
    "clips.cache_mib",
    "checkpoint_every_steps",
    "tensorboard",
    "expected",
)
_PLACE = re.compile(r"\.\d+\.")


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
    """Values by dotted key, a place in a list of sections too; an empty section is a value."""
    flat: dict[str, object] = {}
    for name, value in content.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{key}.")
        elif isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
            flat |= _flat({str(place): section for place, section in enumerate(value)}, f"{key}.")
        else:
            flat[key] = value
    return flat


def _said(flat: Mapping[str, object], key: str) -> str:
    return repr(flat[key]) if key in flat else "absent"


def _without_effect(key: str) -> bool:
    name = _PLACE.sub(".", key)
    return any(name == known or name.startswith(f"{known}.") for known in WITHOUT_EFFECT)
