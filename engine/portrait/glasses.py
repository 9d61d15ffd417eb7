"""Glasses: found as a frame over both eyes with a bridge between them, and held still, so that only the head moves it.

A frame is thin: it differs from what surrounds it, which a wide median does not see. What differs so, hangs together
across the bridge of the nose and reaches over both eyes is a frame; brows, lashes and wrinkles do not reach so far
together. Skin under the frame and behind the lenses, with what they reflect, keeps still in the face's mesh but around the
eyes. The frame and what the lenses reflect are laid over the lids once more, as a part of their own: lids close behind them, and
brows move above them.
"""

from __future__ import annotations

import cv2
import numpy as np

from .portrait import Part
from .topology import BROWS, LID_LOWER, LID_UPPER
from .window import corner_of, window_around

VIEW_PD = 160
"""Frames are looked for in a view in which the pupils are this many pixels apart."""
VIEW_HALF = (1.15, 0.75)
"""Half the view's width and height, pupil distances about the middle between the eyes."""
VIEW_BELOW = 0.15
"""The view's middle lies this far below the eyes."""
MEDIAN_PD = 0.34
"""Window of the median that does not see a frame, pupil distances."""
FRAME_LEVELS = 14.0
"""A frame differs from the median by this many units of CIELAB,"""
REFLECTION_LEVELS = 25.0
"""a reflection on a lens is lighter by so many."""
DARKER_THAN_BROWS = 20.0
"""What lies on the brows is hair, unless its CIELAB lightness is below this: then it is a dark rim."""
FRAME_RISE, FRAME_FALL = 0.4, 0.5
"""No frame reaches further above and below the eyes, pupil distances."""
BRIDGE_HALF, BRIDGE_BELOW = 0.14, 0.3
LENS_ACROSS = (0.22, 0.72)
"""Beside the nose, from here to there, a lens has a rim above or below it, pupil distances."""
BRIDGE_COVERED, LENS_COVERED = 0.9, 0.7
"""Share of the columns in which a bridge, and a rim at each eye, must be seen."""
GAP_PX = 5
"""Gaps in a frame up to this wide are closed, pixels of the view."""
BAR_NEAR, BAR_LENGTH = 0.1, 0.35
"""A piece so near to the frame and so long is a part of it, pupil distances."""
NO_FRAME, OPEN_EYE = 0.02, 0.04
"""So far around the lids nothing is a frame, and so far everything moves, pupil distances."""
LAYER_SOFT_PX = 0.8
"""The frame's layer has edges this soft, pixels of the view."""
HOLD_AROUND, HOLD_FADE = 0.03, 0.05
"""The skin is held still so far around the frame, and free again after so much more, pupil distances."""


def find_glasses(image: np.ndarray, landmarks_px: np.ndarray, *, wanted: str = "auto") -> np.ndarray | None:
    """(H, W) float32: 1 where the frame of the face's glasses and reflections are seen, fading to 0; None without glasses.

    image: (H, W, 3) uint8; landmarks_px: (478, 3). wanted: "auto" looks for them, "on" takes what looks most like them, "off"
    does not look.
    """
    if wanted == "off":
        return None
    view, turn, points = view_of_eyes(image, landmarks_px)
    frame, bars, lighter = frame_in(view, points)
    if not frame.any() or (wanted != "on" and not is_frame(frame, points)):
        return None
    frame = frame | bars
    held = frame | (lighter & within_hull(frame)) | lenses(frame, points)
    reach = round(HOLD_AROUND * VIEW_PD)
    grown = cv2.dilate(held.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2))
    soft = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), HOLD_FADE * VIEW_PD / 2)
    soft *= eyes_free(points, view.shape[:2], OPEN_EYE)
    back = cv2.invertAffineTransform(turn)
    return cv2.warpAffine(soft, back, image.shape[1::-1], flags=cv2.INTER_LINEAR)


def frame_layer(image: np.ndarray, landmarks_px: np.ndarray, face: Part) -> tuple[Part, np.ndarray]:
    """The frame, and what its lenses reflect, as a part that only the head moves, and its RGBA texture (h, w, 4) uint8.

    image: (H, W, 3) uint8 with glasses found in it; landmarks_px: (478, 3); face: the part over which it lies, at the same depth, so
    that it never shifts against what shows of it there.
    """
    view, turn, points = view_of_eyes(image, landmarks_px)
    frame, bars, lighter = frame_in(view, points)
    seen = ((frame | bars | (lighter & within_hull(frame | bars))) * eyes_free(points, view.shape[:2], NO_FRAME)).astype(np.float32)
    back = cv2.invertAffineTransform(turn)
    corners = np.array([(0, 0), (view.shape[1], 0), (0, view.shape[0]), view.shape[1::-1]]) @ back[:, :2].T + back[:, 2]
    window = window_around(corners, 0, image.shape)
    corner = corner_of(window)
    back[:, 2] -= corner
    crop = np.ascontiguousarray(image[window])
    alpha = cv2.warpAffine(cv2.GaussianBlur(seen, (0, 0), LAYER_SOFT_PX), back, crop.shape[1::-1], flags=cv2.INTER_LINEAR)
    size = np.array(crop.shape[1::-1])
    uv = (face.vertices[:, :2] - corner + 0.5) / size
    inside = ((uv > 0) & (uv < 1)).all(axis=1) & (face.colour[:, 3] > 0)
    triangles = face.triangles[inside[face.triangles].all(axis=1)]
    used, numbered = np.unique(triangles, return_inverse=True)
    count = len(used)
    part = Part(face.vertices[used].copy(), numbered.reshape(-1, 3).astype(np.int32), uv[used].astype(np.float32),
                np.ones((count, 4), np.float32), np.ones(count, np.float32), np.zeros(0, np.uint8), np.zeros(0, np.int32),
                np.zeros((0, 3), np.float32), "glasses")
    return part, np.dstack([crop, np.rint(255 * alpha).astype(np.uint8)])


def view_of_eyes(image: np.ndarray, landmarks_px: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An upright view of the eyes, the 2 x 3 matrix from the picture to it, and the landmarks (478, 2) in it."""
    right, left = landmarks_px[[33, 133], :2].mean(axis=0), landmarks_px[[362, 263], :2].mean(axis=0)
    across = left - right
    scale = VIEW_PD / max(float(np.linalg.norm(across)), 1.0)
    angle = np.arctan2(across[1], across[0])
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    size = tuple(int(2 * half * VIEW_PD) for half in VIEW_HALF)
    middle = turn @ ((left + right) / 2)
    matrix = np.column_stack([turn, np.array([size[0] / 2, size[1] / 2 - VIEW_BELOW * VIEW_PD]) - middle])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    view = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return view, matrix, landmarks_px[:, :2] @ matrix[:, :2].T + matrix[:, 2]


def frame_in(view: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(h, w) bool each: what looks like a frame, joined across the nose; bars beside it; what is lighter than its surroundings.

    points: (478, 2) landmarks in the view.
    """
    lab = cv2.cvtColor(view, cv2.COLOR_RGB2LAB)
    window = int(MEDIAN_PD * VIEW_PD) | 1
    smooth = np.dstack([cv2.medianBlur(np.ascontiguousarray(lab[..., k]), window) for k in range(3)])
    apart = (lab.astype(np.float32) - smooth) * (100 / 255, 1, 1)
    lightness = lab[..., 0].astype(np.float32) * 100 / 255
    differs = cv2.GaussianBlur(np.linalg.norm(apart, axis=2), (0, 0), 1.0) > FRAME_LEVELS
    brows = np.zeros(differs.shape, np.uint8)
    for side in ("left", "right"):
        cv2.fillConvexPoly(brows, cv2.convexHull(np.rint(points[list(BROWS[side])]).astype(np.int32)), 1)
    differs &= (brows == 0) | (lightness < DARKER_THAN_BROWS)
    differs &= eyes_free(points, differs.shape, NO_FRAME) > 0.5
    middle = between_eyes(points)
    rows = np.arange(differs.shape[0])[:, None] - middle[1]
    differs &= (rows > -FRAME_RISE * VIEW_PD) & (rows < FRAME_FALL * VIEW_PD)
    joined = cv2.morphologyEx(differs.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((GAP_PX, GAP_PX)))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    at_bridge = np.unique(labels[bridge(points, differs.shape)])
    frame = np.isin(labels, at_bridge[at_bridge > 0])
    return frame, joined_bars(frame, labels, boxes), apart[..., 0] > REFLECTION_LEVELS


def joined_bars(frame: np.ndarray, labels: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(h, w) bool: long pieces close to a frame that reaches over both eyes belong to it: a bar of another colour."""
    near = round(BAR_NEAR * VIEW_PD)
    around = cv2.dilate(frame.astype(np.uint8), np.ones((2 * near + 1,) * 2)) > 0
    touching = np.unique(labels[around])
    long = np.flatnonzero(boxes[:, cv2.CC_STAT_WIDTH] >= BAR_LENGTH * VIEW_PD)
    return np.isin(labels, np.intersect1d(touching[touching > 0], long[long > 0]))


def between_eyes(points: np.ndarray) -> np.ndarray:
    """(2,) the middle between the inner corners of the eyes."""
    return (points[133] + points[362]) / 2


def bridge(points: np.ndarray, shape) -> tuple[slice, slice]:
    """Rows and columns of the view in which a bridge crosses the nose."""
    middle = between_eyes(points)
    rows = np.clip([middle[1] - FRAME_RISE * VIEW_PD, middle[1] + BRIDGE_BELOW * VIEW_PD], 0, shape[0]).astype(int)
    columns = np.clip([middle[0] - BRIDGE_HALF * VIEW_PD, middle[0] + BRIDGE_HALF * VIEW_PD], 0, shape[1]).astype(int)
    return slice(*rows), slice(*columns)


def eyes_free(points: np.ndarray, shape, around: float) -> np.ndarray:
    """(h, w) float32: 0 over the eyes and so far `around` them (pupil distances), 1 elsewhere."""
    eyes = np.zeros(shape, np.uint8)
    for side in ("left", "right"):
        outline = np.rint(points[[*LID_UPPER[side], *LID_LOWER[side][-2:0:-1]]]).astype(np.int32)
        cv2.fillPoly(eyes, [outline], 1)
        cv2.polylines(eyes, [outline], True, 1, max(1, int(2 * around * VIEW_PD)))
    return (1 - eyes).astype(np.float32)


def is_frame(frame: np.ndarray, points: np.ndarray) -> bool:
    """Whether what was found crosses the nose and reaches over both eyes."""
    middle = between_eyes(points)
    covered = []
    for sign in (-1, 1):
        ends = np.clip(sorted(middle[0] + sign * share * VIEW_PD for share in LENS_ACROSS), 0, frame.shape[1]).astype(int)
        columns = frame[:, ends[0]:ends[1]].any(axis=0)
        covered.append(float(columns.mean()) if columns.size else 0.0)
    return bool(frame[bridge(points, frame.shape)].any(axis=0).mean() >= BRIDGE_COVERED and min(covered) >= LENS_COVERED)


def lenses(frame: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(h, w) bool: what lies between the rims. Lower rims are thin, light or missing, and what is seen of them is often their
    inner half only: a lens is as wide and deep beyond the eye as it is towards the nose."""
    middle, area = between_eyes(points), np.zeros(frame.shape, np.uint8)
    seen = np.argwhere(frame)[:, ::-1]
    beside = np.abs(seen[:, 0] - middle[0]) / VIEW_PD
    for side in ("left", "right"):
        eye = points[[LID_UPPER[side][0], LID_UPPER[side][-1]], 0].mean()
        rim = seen[(beside > LENS_ACROSS[0]) & (beside < LENS_ACROSS[1]) & ((seen[:, 0] > middle[0]) == (eye > middle[0]))]
        if len(rim):
            whole = np.concatenate([rim, np.column_stack([2 * eye - rim[:, 0], rim[:, 1]])])
            cv2.fillConvexPoly(area, cv2.convexHull(np.rint(whole).astype(np.int32)), 1)
    return area > 0


def within_hull(frame: np.ndarray) -> np.ndarray:
    """(h, w) bool: the hull of the frame, where reflections lie."""
    hull = np.zeros(frame.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.argwhere(frame)[:, ::-1].astype(np.int32)), 1)
    return hull > 0


def hold_still(face: Part, held: np.ndarray) -> None:
    """Take from the face's shapes what they would do to the frame. held: (H, W) 0..1, see `find_glasses`."""
    places = face.vertices[:, :2].astype(np.float32)
    share = cv2.remap(held, places[:, 0].copy(), places[:, 1].copy(), cv2.INTER_LINEAR).ravel()
    face.delta_offset = (face.delta_offset * (1 - share[face.delta_index])[:, None]).astype(np.float32)


def behind_frame(part: Part, places: np.ndarray, held: np.ndarray) -> None:
    """Let a lid (V vertices) vanish where at `places` (V, 2) it would cover the frame."""
    x, y = np.ascontiguousarray(places.T, np.float32)
    part.colour[:, 3] *= 1 - cv2.remap(held, x, y, cv2.INTER_LINEAR).ravel()
