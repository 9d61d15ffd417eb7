"""Find faces: 478 landmarks each, in pixels of the picture, with MediaPipe's FaceLandmarker."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from ..models import model_path
from ..motion.clip import CHANNEL_INDEX
from ..offline import load_mediapipe, silent_at_exit
from .topology import IRIS, LANDMARKS, LID_LOWER, LID_UPPER
from .window import values_at

LOOK_PX, TILE_PX = 1280, 640
"""The long sides at which the whole picture and its tiles are searched."""
CLOSE_UP_PX = 640
"""The size of the close-up in which a found face is looked at again."""
CLOSE_UP_FACES = 2.0
"""Side of the close-up in face sizes."""
MOST_FACES = 12
LEAST_CONFIDENCE = 0.35
LEAST_PRESENCE = 0.5
MOST_WANDERING = 0.25
"""The nose may move this much of the face's height between two looks."""
LID_SEARCH = 0.12
"""How far beyond a lid's edge the white of the eye is looked for, in eye widths."""
LID_SKIN = (0.3, 0.6)
"""Where the lid's skin is beyond doubt, in eye widths from its edge."""
LEAST_WHITE_FROM_SKIN, LIKE_WHITE, HALF_WHITE = 40, 0.6, 1.3
"""The white must differ from the skin by this many of 255 levels (length of the colour's difference) to be told from it,
and what counts as white must be so much nearer to the white than to the skin."""


@functools.cache
def _landmarker():
    mediapipe = load_mediapipe()
    vision = mediapipe.tasks.vision
    return silent_at_exit(vision.FaceLandmarker.create_from_options(vision.FaceLandmarkerOptions(
        base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(model_path("face_landmarker"))), num_faces=MOST_FACES,
        output_face_blendshapes=True, min_face_detection_confidence=LEAST_CONFIDENCE, min_face_presence_confidence=LEAST_PRESENCE)))


def _look(image: np.ndarray) -> list[np.ndarray]:
    """Faces in one view, each (478, 3) in the view's pixels; z towards the camera."""
    mediapipe = load_mediapipe()
    height, width = image.shape[:2]
    found = _landmarker().detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image)))
    faces = [np.array([(p.x * width - 0.5, p.y * height - 0.5, -p.z * width) for p in face], np.float32)
             for face in found.face_landmarks]
    return [face for face in faces if len(face) == LANDMARKS]


def rest_expression(image: np.ndarray, face: np.ndarray) -> dict[str, float]:
    """The expression `face` (478, 3) shows, ARKit channel -> 0..1, as the detector scores it."""
    mediapipe = load_mediapipe()
    view, _ = close_up(image, face)
    found = _landmarker().detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=view))
    if not found.face_blendshapes:
        return {}
    return {score.category_name: round(float(score.score), 3) for score in found.face_blendshapes[0]
            if score.category_name in CHANNEL_INDEX}


def close_up(image: np.ndarray, rough: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An upright view (CLOSE_UP_PX square) of a face and the 2 x 3 matrix from the picture to it."""
    low, high = rough[:, :2].min(axis=0), rough[:, :2].max(axis=0)
    eyes = rough[263, :2] - rough[33, :2]
    angle = float(np.degrees(np.arctan2(eyes[1], eyes[0])))
    scale = CLOSE_UP_PX / (CLOSE_UP_FACES * float(max(high - low)))
    centre = (low + high) / 2
    turn = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, scale)
    turn[:, 2] += CLOSE_UP_PX / 2 - centre
    view = cv2.warpAffine(image, turn, (CLOSE_UP_PX, CLOSE_UP_PX), borderMode=cv2.BORDER_REPLICATE,
                          flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return view, turn


def _look_closer(image: np.ndarray, rough: np.ndarray) -> np.ndarray | None:
    """Look again at a close-up of a face found roughly: sharper landmarks for small and tilted faces."""
    view, turn = close_up(image, rough)
    scale = float(np.hypot(turn[0, 0], turn[1, 0]))
    faces = _look(view)
    if not faces:
        return None
    face = min(faces, key=lambda f: float(np.hypot(*(f[:, :2].mean(axis=0) - CLOSE_UP_PX / 2))))
    back = cv2.invertAffineTransform(turn)
    return np.concatenate([face[:, :2] @ back[:, :2].T + back[:, 2], face[:, 2:] / scale], axis=1).astype(np.float32)


def _whole(image: np.ndarray, quarter: int) -> tuple[np.ndarray, np.ndarray]:
    """The whole picture after `quarter` quarter turns, and the 2 x 3 matrix from the view back to the picture."""
    height, width = image.shape[:2]
    shrink = min(1.0, LOOK_PX / max(height, width))
    whole = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else image
    view = np.ascontiguousarray(np.rot90(whole, quarter))
    return view, _quarter_turn_back(quarter, whole.shape[1], whole.shape[0], shrink)


def _tiles(image: np.ndarray, divide: int):
    """Overlapping tiles of the picture, enlarged, with the matrices back: small faces are not seen in the whole."""
    height, width = image.shape[:2]
    side_y, side_x = height // divide, width // divide
    for top in range(0, height - side_y + 1, max(1, side_y // 2)):
        for left in range(0, width - side_x + 1, max(1, side_x // 2)):
            tile = image[top:top + side_y, left:left + side_x]
            scale = TILE_PX / max(tile.shape[:2])
            view = cv2.resize(tile, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
            yield view, np.array([[1 / scale, 0, left], [0, 1 / scale, top]])


def _quarter_turn_back(quarter: int, width: int, height: int, shrink: float) -> np.ndarray:
    """2 x 3 matrix from a view turned by np.rot90(k = quarter) back to the picture."""
    turns = {0: [[1, 0, 0], [0, 1, 0]], 1: [[0, -1, width - 1], [1, 0, 0]],
             2: [[-1, 0, width - 1], [0, -1, height - 1]], 3: [[0, 1, 0], [-1, 0, height - 1]]}
    return np.array(turns[quarter], float) / shrink


def _found_in(image: np.ndarray, views) -> list[np.ndarray]:
    """Faces seen in any of the views, looked at closely, each once."""
    faces: list[np.ndarray] = []
    for view, back in views:
        scale = float(np.hypot(back[0, 0], back[1, 0]))
        for rough in _look(view):
            placed = np.concatenate([rough[:, :2] @ back[:, :2].T + back[:, 2], rough[:, 2:] * scale], axis=1)
            if any(_same(placed, face) for face in faces):
                continue
            close = _look_closer(image, placed)
            if close is not None and _steady(close, placed) and not any(_same(close, face) for face in faces):
                faces.append(close)
    return faces


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two sets of landmarks are of one face."""
    apart = np.linalg.norm(one[:, :2].mean(axis=0) - other[:, :2].mean(axis=0))
    return apart < 0.5 * max(np.ptp(one[:, 1]), np.ptp(other[:, 1]))


def _steady(close: np.ndarray, rough: np.ndarray) -> bool:
    """Whether two looks agree. On something that is no face, or one seen upside down, the landmarks wander off."""
    ups = [face[10, :2] - face[152, :2] for face in (close, rough)]
    lengths = [float(np.linalg.norm(up)) for up in ups]
    cosine = ups[0] @ ups[1] / (lengths[0] * lengths[1] + 1e-6)
    wandered = np.linalg.norm(close[1, :2] - rough[1, :2])
    return bool(cosine > 0.8 and wandered < MOST_WANDERING * min(lengths))


def detect_faces(image: np.ndarray) -> list[np.ndarray]:
    """All faces in `image` (H, W, 3) uint8 RGB, largest first.

    Each is (478, 3) float32: x, y in pixels (pixel centres at integers), z in the same unit, towards the camera.
    Looks at the whole picture and at its quarters; if there is nothing, at its quarter turns, then at smaller and smaller
    tiles. Raises ModelError.
    """
    faces = _found_in(image, [_whole(image, 0), *_tiles(image, 2)])
    for quarter in (1, 3, 2):
        faces = faces or _found_in(image, [_whole(image, quarter)])
    for divide in (4, 8):
        faces = faces or _found_in(image, _tiles(image, divide))
    return sorted(faces, key=lambda face: -float(np.prod(np.ptp(face[:, :2], axis=0))))


def settle_lids(image: np.ndarray, face: np.ndarray) -> np.ndarray:
    """`face` (478, 3) with the lids' edges moved out to where the white of the eye ends.

    The detector knows eyes, not this eye: where its lid line cuts through the white, a closing lid would take white along.
    """
    settled = face.copy()
    for side in ("left", "right"):
        corners = face[[LID_UPPER[side][0], LID_UPPER[side][-1]], :2]
        width = float(np.linalg.norm(corners[1] - corners[0]))
        along = (corners[1] - corners[0]) / max(width, 1e-6)
        outwards = np.array([along[1], -along[0]])
        outwards *= np.sign((face[LID_UPPER[side][4], :2] - face[LID_LOWER[side][4], :2]) @ outwards)
        white = _white_of_eye(image, face, side)
        if white is not None:
            for lid, direction in ((LID_UPPER[side], outwards), (LID_LOWER[side], -outwards)):
                shift = _white_beyond(image, face[list(lid), :2], direction * width, white)
                settled[list(lid), :2] += shift[:, None] * direction * width
    return settled


def _white_of_eye(image: np.ndarray, face: np.ndarray, side: str) -> np.ndarray | None:
    """(3,) the typical colour of the white, None where too little of it shows."""
    outline = np.concatenate([face[list(LID_UPPER[side]), :2], face[list(LID_LOWER[side])[-2:0:-1], :2]])
    low = np.floor(outline.min(axis=0)).astype(int)
    high = np.ceil(outline.max(axis=0)).astype(int) + 1
    if (low < 0).any() or (high > image.shape[1::-1]).any():
        return None
    opening = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    cv2.fillPoly(opening, [np.round(outline - low).astype(np.int32)], 1)
    centre, rim = face[IRIS[side][0], :2] - low, face[list(IRIS[side][1:]), :2] - low
    radius = int(np.ceil(1.2 * np.linalg.norm(rim - centre, axis=1).mean()))
    cv2.circle(opening, tuple(round(float(c)) for c in centre), radius, 0, -1)
    seen = image[low[1]:high[1], low[0]:high[0]][opening > 0]
    if len(seen) < 12:
        return None
    return np.median(seen[seen.sum(axis=1) >= np.percentile(seen.sum(axis=1), 60)], axis=0)


def _white_beyond(image: np.ndarray, edge: np.ndarray, outwards: np.ndarray, white: np.ndarray) -> np.ndarray:
    """(K,) how far the white goes on beyond a lid's edge (K, 2), as a share of `outwards` (2,), 0 at both corners."""
    steps = np.linspace(0, LID_SEARCH, 13)

    def seen(shares: np.ndarray) -> np.ndarray:
        return values_at(image, edge[:, None] + shares[None, :, None] * outwards)

    skin = np.median(seen(np.linspace(*LID_SKIN, 9)), axis=1, keepdims=True)
    colours = seen(steps)
    likeness = np.linalg.norm(colours - white, axis=2) / np.maximum(np.linalg.norm(colours - skin, axis=2), 1.0)
    begins = (likeness[:, :2] < LIKE_WHITE).any(axis=1) & (np.linalg.norm(white - skin, axis=2) > LEAST_WHITE_FROM_SKIN)[:, 0]
    is_white = np.logical_and.accumulate((likeness < HALF_WHITE) & begins[:, None], axis=1)
    reach = np.where(is_white.all(axis=1), 0, is_white.argmin(axis=1))  # all white: no lid was found
    shift = steps[reach]
    shift[[0, -1]] = 0
    return np.convolve(np.pad(shift, 1), (0.25, 0.5, 0.25), "valid") * np.array([0, *np.ones(len(edge) - 2), 0])
