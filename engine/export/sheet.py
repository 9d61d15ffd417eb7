"""A contact sheet: frames spread over a clip, side by side in one picture, with their times."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from ..files import whole_file
from ..render.write import FRAME_FILE

CELL_WIDTH_PX = 320
GAP_PX = 8
CAPTION_PX = 26
PAPER, INK = (245, 245, 242), (40, 40, 40)


def sheet_frames(total: int, wanted: int) -> list[int]:
    """`wanted` frame numbers (from 0), each in the middle of an equal share of `total` frames."""
    return sorted({min(int((share + 0.5) * total / wanted), total - 1) for share in range(wanted)})


def write_contact_sheet(frames: Iterable[tuple[int, np.ndarray]], path: str | os.PathLike, *, fps: Fraction, columns: int = 4) -> None:
    """Write a PNG of (frame number from 0, (H, W, 3) uint8 RGB frame) pairs, each with its time. Raises OutputError."""
    cells = [_cell(picture, f"{float(number / fps):.2f} s") for number, picture in frames]
    rows = -(-len(cells) // columns)
    height, width = cells[0].shape[:2]
    sheet = np.full((GAP_PX + rows * (height + GAP_PX), GAP_PX + columns * (width + GAP_PX), 3), PAPER, np.uint8)
    for index, cell in enumerate(cells):
        top = GAP_PX + index // columns * (height + GAP_PX)
        left = GAP_PX + index % columns * (width + GAP_PX)
        sheet[top:top + height, left:left + width] = cell
    _, data = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    with whole_file(path) as temporary:
        temporary.write_bytes(data.tobytes())


def _cell(picture: np.ndarray, caption: str) -> np.ndarray:
    height = round(picture.shape[0] * CELL_WIDTH_PX / picture.shape[1])
    small = cv2.resize(picture, (CELL_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    cell = np.vstack([small, np.full((CAPTION_PX, CELL_WIDTH_PX, 3), PAPER, np.uint8)])
    cv2.putText(cell, caption, (4, height + 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return cell


def frames_from_folder(folder: Path, numbers: list[int], *, crop: tuple[int, int, int, int]) -> Iterable[tuple[int, np.ndarray]]:
    """(number from 0, frame) of the PNG files a PngSink wrote, cut to crop = (left, top, right, bottom) pixels."""
    left, top, right, bottom = crop
    for number in numbers:
        frame = cv2.imread(str(folder / FRAME_FILE.format(number + 1)))
        yield number, cv2.cvtColor(frame[top:bottom, left:right], cv2.COLOR_BGR2RGB)


def head_crop(landmarks_px: np.ndarray, size: tuple[int, int], *, margin: float = 0.75) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of a square around the face, wider by `margin` of the face on each side, inside the picture.

    landmarks_px: (N, 2 or 3) in pixels of the picture. size: (width, height).
    """
    low, high = landmarks_px[:, :2].min(axis=0), landmarks_px[:, :2].max(axis=0)
    side = min(int((1 + 2 * margin) * (high - low).max()), *size)
    left, top = (int(np.clip((low[axis] + high[axis] - side) / 2, 0, size[axis] - side)) for axis in (0, 1))
    return left, top, left + side, top + side
