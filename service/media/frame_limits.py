"""What one frame may be, and the check of a picture file's header against it."""

from dataclasses import dataclass

from service.media.image_header import FORMATS, ImageHeader, UnreadableImageError, read_header

_MOST_PIXELS = 2**26
"""Below the point where the imaging library starts to warn; no crop of a person comes near."""


@dataclass(frozen=True)
class FrameLimits:
    """What one uploaded frame may be; checked before any pixel is decoded.

    Raises:
        ValueError: When a format is not one that can be decoded, or `max_pixels` is above 2**26.
    """

    max_bytes: int
    max_pixels: int
    max_side_px: int
    formats: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse limits that the decoder could not keep."""
        if not self.formats or not set(self.formats) <= set(FORMATS):
            raise ValueError(
                f"expected formats out of {', '.join(FORMATS)}, "
                f"received {', '.join(self.formats) or 'none'}; correct REID_IMAGE_FORMATS"
            )
        if self.max_pixels > _MOST_PIXELS:
            raise ValueError(
                f"expected at most {_MOST_PIXELS} pixels a frame, received {self.max_pixels}; "
                "lower REID_MAX_FRAME_PIXELS"
            )

    def check_size(self, *, width: int, height: int) -> None:
        """Refuse a picture that is too large, or has no pixel.

        Raises:
            UnreadableImageError: With expected, received and remedy.
        """
        size = f"received {width} x {height} px"
        shorter, longer = sorted((width, height))
        if shorter < 1 or longer > self.max_side_px:
            raise UnreadableImageError(
                f"expected sides of 1 to {self.max_side_px} px, {size}; send the crop of one person"
            )
        if width * height > self.max_pixels:
            raise UnreadableImageError(
                f"expected at most {self.max_pixels} pixels, {size}; send the crop of one person"
            )


def check_header(data: bytes, limits: FrameLimits) -> ImageHeader:
    """The header of a frame that keeps to the limits; no pixel is decoded.

    Raises:
        UnreadableImageError: With expected, received and remedy.
    """
    if not data:
        raise UnreadableImageError("expected a picture, received 0 bytes; send the file's content")
    if len(data) > limits.max_bytes:
        raise UnreadableImageError(
            f"expected at most {limits.max_bytes} bytes, received {len(data)}; "
            "send the crop of one person"
        )
    header = read_header(data)
    if header.format not in limits.formats:
        raise UnreadableImageError(
            f"expected {', '.join(limits.formats)} data, received {header.format} data; "
            "convert the frame"
        )
    limits.check_size(width=header.width, height=header.height)
    return header
