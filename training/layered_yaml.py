"""YAML that extends other YAML: a file holds only what it changes."""

from collections.abc import Hashable, Sequence
from pathlib import Path

import yaml


def read_layered_yaml(path: Path) -> dict[str, object]:
    """Content of a YAML mapping over that of the file its key `extends` names, and so on.

    The name is relative to the file that holds it. Mappings are merged key by key, the extending
    file wins; anything else replaces what was below.

    Raises:
        ValueError: When a file is missing, is no YAML mapping, has a key twice, or extends itself.
    """
    content: dict[str, object] = {}
    seen: list[Path] = []
    following: Path | None = path
    while following is not None:
        current = following.resolve()
        if current in seen:
            raise ValueError(
                f"expected configurations that extend others, received {path}, which comes back to "
                f"{following}; remove one `extends`"
            )
        seen.append(current)
        below = _read(following)
        extended = below.pop("extends", None)
        content = _merge(below, content)
        following = None if extended is None else following.parent / str(extended)
    return content


def with_changes(content: dict[str, object], changes: Sequence[str]) -> dict[str, object]:
    """The content with `dotted.key=value` written over it; values are YAML.

    Raises:
        ValueError: When a change has no `=`, no key, or no YAML behind it.
    """
    for change in changes:
        key, equals, written = change.partition("=")
        try:
            value = yaml.load(written, _EachKeyOnce)  # noqa: S506, it is a safe loader
        except yaml.YAMLError as error:
            raise ValueError(
                f"expected YAML behind `=`, received {change!r}: {error}; quote the value"
            ) from error
        if not equals or not all(key.split(".")):
            raise ValueError(
                f"expected a change `section.key=value`, received {change!r}; "
                "write it like `optimizer.epochs=10`"
            )
        for name in reversed(key.split(".")):
            value = {name: value}
        content = _merge(content, value)
    return content


class _EachKeyOnce(yaml.SafeLoader):
    """Refuses a key that is written twice, of which YAML would silently keep the last."""

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002  # yaml's own
    ) -> dict[Hashable, object]:
        seen: set[object] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _read(path: Path) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.load(text, _EachKeyOnce)  # noqa: S506, it is a safe loader
    except OSError as error:
        raise ValueError(
            f"expected a configuration at {path}, received {error.strerror}; "
            "shipped ones are in training/configs"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"expected YAML in {path}, received: {error}; correct the file") from error
    if not isinstance(content, dict):
        raise ValueError(  # noqa: TRY004, a wrong file is a wrong value to the caller
            f"expected a YAML mapping in {path}, received {type(content).__name__}; "
            "write `key: value` lines"
        )
    return content


def _merge(below: dict[str, object], above: dict[str, object]) -> dict[str, object]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            merged[key] = _merge(under, value)
        else:
            merged[key] = value
    return merged
