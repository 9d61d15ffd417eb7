"""Reading a picture from outside into plain sRGB pixels, whatever camera, scanner or painter's archive it came from."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from ..errors import ImageError

logger = logging.getLogger(__name__)

LARGEST_SIDE_PX = 8192
SMALLEST_SIDE_PX = 64
STRIP_ROWS = 256             # pictures are converted so many rows at a time


def read_picture(path: str | os.PathLike, *, least_side_px: int = SMALLEST_SIDE_PX) -> np.ndarray:
    """Read a picture as (H, W, 3) or, when some of it is transparent, (H, W, 4) uint8 sRGB with straight alpha.

    The EXIF orientation is applied; 16-bit, floating point (0..1), grayscale, palette and CMYK pictures become 8-bit RGB; an
    embedded colour profile is converted to sRGB. Of several frames the first is taken.
    Raises ImageError when the file is missing, not a picture, truncated, or a side is not within `least_side_px`..8192 pixels.
    """
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit on each side is stricter
            with Image.open(path) as image:
                _check_size(path, *image.size, least_side_px)
                image.load()
                ImageOps.exif_transpose(image, in_place=True)
                return _srgb_pixels(image)
    except FileNotFoundError as error:
        raise ImageError(f"There is no picture at {path}.") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path} is larger than {LARGEST_SIDE_PX} pixels a side. Scale it down first.") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{path} is not a picture this program can read. Save it as PNG, JPEG, TIFF or WebP.") from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, MemoryError) as error:
        raise ImageError(f"{path} cannot be read: {error}. The file may be truncated; save or copy it again.") from error


def _check_size(path: Path, width: int, height: int, least_side_px: int) -> None:
    if max(width, height) > LARGEST_SIDE_PX:
        raise ImageError(f"{path} is {width} x {height} pixels; the largest side may be {LARGEST_SIDE_PX}. Scale it down first.")
    if min(width, height) < least_side_px:
        raise ImageError(f"{path} is {width} x {height} pixels; a portrait needs at least {least_side_px} on each side.")


def _srgb_pixels(image: Image.Image) -> np.ndarray:
    """8-bit sRGB pixels of a loaded image, with alpha only when it says something."""
    to_srgb = _conversion(image)
    transparent = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    alpha = np.empty((image.height, image.width), np.uint8) if transparent else None
    for top in range(0, image.height, STRIP_ROWS):
        strip = image.crop((0, top, image.width, min(top + STRIP_ROWS, image.height)))
        rows = slice(top, top + strip.height)
        pixels[rows] = to_srgb(strip)
        if transparent:
            alpha[rows] = strip.convert("RGBA").getchannel("A")
    if transparent and alpha.min() < 255:
        return np.dstack([pixels, alpha])
    return pixels


def _eight_bit(image: Image.Image) -> np.ndarray:
    """(H, W) uint8 of a one-channel picture of 16 bits, 32 bits holding 16, or floating point 0..1."""
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it holds values that are not finite")
    scaled = values * 255.0 if image.mode == "F" else values / 257.0
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _conversion(image: Image.Image) -> Callable[[Image.Image], np.ndarray | Image.Image]:
    """What makes 8-bit sRGB, (h, w, 3) or (h, w, 1), of a strip of `image`: through its embedded profile when that can be used."""
    if image.mode.startswith("I") or image.mode == "F":
        return lambda strip: _eight_bit(strip)[:, :, None]
    mode = image.mode if image.mode in ("RGB", "CMYK", "L", "LAB") else "RGB"
    profile = image.info.get("icc_profile")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB",
                                                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC)
            return lambda strip: ImageCms.applyTransform(strip.convert(mode), transform)
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            logger.info("colour profile ignored: %s", error)
    return lambda strip: strip.convert("RGB")
