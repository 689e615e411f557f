"""Image file → uint8 frame, resized as the service resizes it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def read_frame(path: Path, *, height: int, width: int) -> NDArray[np.uint8]:
    """Decode to RGB and resize with antialiased bilinear filtering: uint8 [height, width, 3].

    Raises:
        ValueError: When the file is missing or is not a whole image, with its path.
    """
    try:
        with Image.open(path) as image:
            rgb = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    except OSError as error:
        raise ValueError(
            f"expected a whole image at {path}, received: {error}; replace or remove the file"
        ) from error
    return np.asarray(rgb, dtype=np.uint8)
