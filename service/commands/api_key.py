"""The API key that commands send: from a file or the environment, never from the command line.

What is typed stays in the shell's history and is seen in the list of processes.
"""

import os
from contextvars import ContextVar
from pathlib import Path

from service.commands.command_line import fail

KEY_VARIABLE = "TRACKLET_REID_KEY"
KEY_FILE_VARIABLE = "TRACKLET_REID_KEY_FILE"

_file: ContextVar[Path | None] = ContextVar("api_key_file", default=None)


def choose_key_file(file: Path | None) -> None:
    """Take the key from this file from now on; without one, from the environment."""
    _file.set(file)


def chosen_api_key() -> str | None:
    """The key to send; None when none was given."""
    file = _file.get()
    if file is None:
        return os.environ.get(KEY_VARIABLE) or None
    try:
        api_key = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        fail(
            f"expected a file that holds an API key at {file}, received "
            f"{getattr(error, 'strerror', None) or 'something else'}; correct --api-key-file"
        )
    if not api_key:
        fail(f"expected a file that holds an API key at {file}, received an empty one")
    return api_key
