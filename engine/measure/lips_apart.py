"""How far apart the lips are, by the pixels that show between them, in a control render: no outline is detected in any frame.

A detector takes the dark line between painted lips, or a beard's edge, for a gap, and reads a sealed mouth as .02 eye distances
open. Here the clip is rendered again with the portrait painted otherwise: the face black, what lies behind the hole of the mouth
white, and nothing in the mouth. How white a pixel is then says how much of it shows the mouth's inside, to a fraction of a pixel.
White too is what the *picture itself* shows between its lips, and what may be left on a lip's edge when they close: the inside
of the inner lips' outline as the detector has it in the still picture (the mean over disturbed copies), where it is at home.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import cv2
import numpy as np

from ..motion.clip import MotionClip
from ..portrait.fit import similarity
from ..portrait.portrait import Portrait
from ..portrait.topology import INNER_LIP_LOWER, INNER_LIP_UPPER, OUTER_LIP_LOWER, OUTER_LIP_UPPER
from ..render.pose import Poser
from .bench import Bench
from .detectors import FACE_POINTS

IN_THE_MOUTH = ("cavity", "tongue", "teeth_lower", "teeth_upper", "teeth_source")
UNDER_FACE = ("neck", "jaw")
"""Parts that show the person's picture beneath the face: black, as it is here, they would close the mouth."""
BEHIND = "measure_behind"
"""Name of the white texture."""

INNER_OUTLINE = INNER_LIP_UPPER + INNER_LIP_LOWER[-2:0:-1]
OUTER_OUTLINE = OUTER_LIP_UPPER + OUTER_LIP_LOWER[-2:0:-1]
MIDDLE = (82, 312)
"""Between these points of the upper lip, a third of the mouth, the gap is read, as the detector's is."""

FINER = 8
WHITE = 255


def lip_gap_iod(bench: Bench, clip: MotionClip, *, stage: str) -> np.ndarray:
    """(T,) mean height of what shows between the lips in the middle of the mouth, over the distance of the eyes; 0 is sealed."""
    painted = painted_for_gap(bench.portrait, parted_in_picture(bench))
    frames = bench.frames(clip, stage=stage, portrait=painted)
    return np.array([shown_height_px(frame, lips) for frame, lips in zip(frames, posed_lips(bench, clip))]) / bench.eye_distance_px


def painted_for_gap(portrait: Portrait, parted_px: np.ndarray) -> Portrait:
    """The same portrait with a black face, nothing in its mouth and white behind it.

    parted_px: (N, 2) outline of what the picture shows between its lips, in its pixels; white as well.
    """
    parts, images = dict(portrait.parts), dict(portrait.images)
    for name in {*IN_THE_MOUTH, *UNDER_FACE} & parts.keys():
        colour = parts[name].colour.copy()
        colour[:, 3] = 0.0
        parts[name] = dataclasses.replace(parts[name], colour=colour)
    black, white = images["person"].copy(), images["person"].copy()
    black[..., :3], white[..., :3] = _inside(parted_px, black.shape[:2])[..., None], WHITE
    images |= {"person": black, BEHIND: white}
    parts["person"] = dataclasses.replace(parts["person"], texture=BEHIND, colour=np.ones_like(parts["person"].colour))
    return dataclasses.replace(portrait, parts=parts, images=images)


def parted_in_picture(bench: Bench) -> np.ndarray:
    """(N, 2) outline of the inner lips in pixels of the picture, as the detector has it: the mean over disturbed copies of the
    still face, each laid over the undisturbed one. A face that is not seen leaves an outline of no area."""
    rest = bench.neutral.landmarks_px[0]
    copies = [points for points in bench.disturbed.landmarks_px if np.isfinite(points).all()]
    if not np.isfinite(rest).all() or not copies:
        return np.zeros((len(INNER_OUTLINE), 2))
    outlines = []
    for points in copies:
        rotation, scale, shift = similarity(points[:FACE_POINTS], rest[:FACE_POINTS], np.ones(FACE_POINTS))
        outlines.append((scale * points[list(INNER_OUTLINE)] @ rotation.T + shift)[:, :2])
    return (np.mean(outlines, axis=0) + 0.5) / bench.scale - 0.5


def posed_lips(bench: Bench, clip: MotionClip) -> Iterator[np.ndarray]:
    """(468, 2) the posed surface's landmarks in each frame's pixels: where to look for the mouth, not what is read there."""
    for posed in Poser(bench.portrait).pose(clip, 0, len(clip)):
        yield bench.to_frame(posed.vertices["face"][:FACE_POINTS, :2])


def shown_height_px(frame: np.ndarray, lips: np.ndarray) -> float:
    """Mean height of the white in the middle of the mouth of a control frame (H, W, 3); lips: (468, 2) landmarks."""
    mouth = np.zeros(frame.shape[:2], np.uint8)
    cv2.fillPoly(mouth, [np.round(lips[list(OUTER_OUTLINE)]).astype(np.int32)], 1)
    first, last = np.sort(lips[list(MIDDLE), 0]).round().astype(int)
    columns = np.s_[:, max(first, 0) : max(last, first) + 1]
    shown = frame[..., 1][columns] * (mouth[columns] > 0)
    return float(shown.sum(axis=0).mean()) / WHITE if shown.size else float("nan")


def _inside(outline: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8: 255 within the outline (N, 2), its edge soft."""
    mask = np.zeros(shape, np.uint8)
    low = np.clip(np.floor(outline.min(axis=0)).astype(int) - 1, 0, np.array(shape[::-1]))
    high = np.clip(np.ceil(outline.max(axis=0)).astype(int) + 2, low, np.array(shape[::-1]))
    if (high > low).all():
        fine = np.zeros(((high - low) * FINER)[::-1], np.uint8)
        cv2.fillPoly(fine, [np.round((outline - low + 0.5) * FINER - 0.5).astype(np.int32)], WHITE)
        mask[low[1] : high[1], low[0] : high[0]] = cv2.resize(fine, tuple((high - low).tolist()), interpolation=cv2.INTER_AREA)
    return mask
