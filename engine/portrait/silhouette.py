"""Roughly where the person is who owns a face: a segmentation network's answers at several distances, or a drawn bust.

Sources: MediaPipe Selfie Segmentation (Apache-2.0); C. Rother, V. Kolmogorov, A. Blake, "GrabCut", SIGGRAPH 2004.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from soliloquy.engine.models import model_path
from soliloquy.engine.offline import load_mediapipe
from soliloquy.engine.portrait.topology import CHIN, FACE_OVAL, FOREHEAD

EYE_CORNERS = ((33, 133), (362, 263))
WORKING_SIDE_PX = 640        # long side of a region while its edge is solved: well under a second on two cores
NETWORK_SIDE_PX = 256        # input side of selfie_segmentation.tflite
VIEW_REACHES = (1.25, 1.9, 4.0, 8.0)  # face heights to each side of the face
HEAD_ABOVE, HEAD_HALVES = 0.18, (0.52, 0.76)  # a head's middle above the face's, and half its width and height, face heights
WORN_SHARE = 0.5             # a "face" smaller than this share of this one ...
WORN_REACH = 1.2             # ... within the head grown so much is a lamp on a hat, a brooch, a picture on a cap
SHARP_FACE_PX = 40           # faces smaller than this in the network's input are seen less and less surely
# In inter-ocular distances (63 mm on an adult).
BRIDGE_IOD = 0.10            # what hangs on the person by less than this is something else
HOLE_IOD = 0.45              # holes smaller than this square are errors of the network, not gaps under an arm

LARGEST_GAIN = 3.0           # contrast is stretched at most this much before looking for edges


@dataclass(frozen=True)
class Face:
    """Where the face is. `oval` (36, 2) px; `centre` (2,) px; `iod` and `height` px, corrected for the head's turn."""

    oval: np.ndarray
    centre: np.ndarray
    down: np.ndarray
    iod: float
    height: float

    @classmethod
    def from_landmarks(cls, landmarks_px: np.ndarray) -> Face:
        points = np.asarray(landmarks_px, np.float64)
        right, left = (points[list(corners)].mean(axis=0) for corners in EYE_CORNERS)
        axis = points[CHIN] - points[FOREHEAD]
        height = max(float(np.linalg.norm(axis)), 1.0)
        # An adult face is about two inter-ocular distances from hairline to chin: keeps the unit sound in profile views.
        iod = max(float(np.linalg.norm(left - right)), 0.42 * height)
        oval = points[list(FACE_OVAL), :2]
        down = axis[:2] / max(float(np.linalg.norm(axis[:2])), 1e-6)
        return cls(oval=oval, centre=oval.mean(axis=0), down=down, iod=iod, height=height)


@dataclass(frozen=True)
class Region:
    """A rectangle of the picture (px, end exclusive) worked on at `scale` working pixels per picture pixel."""

    left: int
    top: int
    right: int
    bottom: int
    scale: float

    @classmethod
    def around(cls, left: float, top: float, right: float, bottom: float, shape: tuple[int, ...], side_px: int) -> Region:
        height, width = shape[:2]
        x0, y0 = int(np.clip(left, 0, width - 1)), int(np.clip(top, 0, height - 1))
        x1, y1 = int(np.clip(np.ceil(right), x0 + 1, width)), int(np.clip(np.ceil(bottom), y0 + 1, height))
        return cls(x0, y0, x1, y1, min(1.0, side_px / max(x1 - x0, y1 - y0)))

    @property
    def working_size(self) -> tuple[int, int]:
        """(width, height) in working pixels."""
        return (max(1, round((self.right - self.left) * self.scale)), max(1, round((self.bottom - self.top) * self.scale)))

    def cut(self, image: np.ndarray) -> np.ndarray:
        return image[self.top:self.bottom, self.left:self.right]

    def shrink(self, image: np.ndarray) -> np.ndarray:
        return cv2.resize(self.cut(image), self.working_size, interpolation=cv2.INTER_AREA)

    def points(self, points_px: np.ndarray) -> np.ndarray:
        """Picture points (N, 2) in working pixels."""
        ratio = np.array(self.working_size) / (self.right - self.left, self.bottom - self.top)
        return (np.asarray(points_px) - (self.left, self.top)) * ratio

    def resample_from(self, other: Region, values: np.ndarray, border: float = 0.0) -> np.ndarray:
        """`values` over `other` (any grid) as seen on this region's working grid; `border` outside of `other`."""
        width, height = self.working_size
        rows, columns = values.shape[:2]
        step_x = columns / (other.right - other.left) * (self.right - self.left) / width
        step_y = rows / (other.bottom - other.top) * (self.bottom - self.top) / height
        start_x = (self.left - other.left) * columns / (other.right - other.left) + 0.5 * step_x - 0.5
        start_y = (self.top - other.top) * rows / (other.bottom - other.top) + 0.5 * step_y - 0.5
        matrix = np.array([[step_x, 0, start_x], [0, step_y, start_y]])
        return cv2.warpAffine(values, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                              borderMode=cv2.BORDER_CONSTANT, borderValue=border)


@dataclass(frozen=True)
class View:
    """One answer of the network: confidence and how far to trust it, both (256, 256) float32 over `region`."""

    region: Region
    confidence: np.ndarray
    trust: np.ndarray


# --- Where the person is ---------------------------------------------------------------------------------------------------

def face_box(face: Face, reach: float, shape: tuple[int, ...]) -> Region:
    """A square of `reach` face heights to each side of a point just below the face's centre, cut at the picture's edge."""
    x, y = face.centre + face.down * (0.1 * reach * face.height)
    half = reach * face.height
    return Region.around(x - half, y - half, x + half, y + half, shape, WORKING_SIDE_PX)


def network_views(image: np.ndarray, face: Face) -> list[View]:
    """The network's answers from the head outwards to the whole picture, each averaged with that for its mirror image."""
    height, width = image.shape[:2]
    regions = [face_box(face, reach, image.shape) for reach in VIEW_REACHES]
    regions = [one for one in regions if (one.right - one.left) * (one.bottom - one.top) < 0.8 * height * width]
    regions.append(Region.around(0, 0, width, height, image.shape, WORKING_SIDE_PX))
    views = []
    with Segmenter() as segment:
        for region in regions:
            face_px = face.height * NETWORK_SIDE_PX / max(region.right - region.left, region.bottom - region.top)
            trust = float(np.clip((face_px / SHARP_FACE_PX) ** 2, 0.01, 1.5))
            side = (NETWORK_SIDE_PX, NETWORK_SIDE_PX)
            small = np.ascontiguousarray(stretched(cv2.resize(region.cut(image), side, interpolation=cv2.INTER_AREA)))
            mirrored = segment(np.ascontiguousarray(small[:, ::-1]))[:, ::-1]
            views.append(View(region, (segment(small) + mirrored) / 2, trust * border_fade(region, image.shape)))
    return views


class Segmenter:
    """Context manager around MediaPipe's ImageSegmenter: gives (256, 256, 3) uint8 -> (256, 256) float32 confidence."""

    def __enter__(self) -> Callable[[np.ndarray], np.ndarray]:
        mediapipe = load_mediapipe()
        vision = mediapipe.tasks.vision
        weights = mediapipe.tasks.BaseOptions(model_asset_path=str(model_path("selfie_segmentation")))
        options = vision.ImageSegmenterOptions(base_options=weights, output_confidence_masks=True,
                                               output_category_mask=False)
        self._network = vision.ImageSegmenter.create_from_options(options)

        def segment(pixels: np.ndarray) -> np.ndarray:
            result = self._network.segment(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels))
            return np.array(result.confidence_masks[-1].numpy_view(), np.float32).reshape(pixels.shape[:2])

        return segment

    def __exit__(self, *_: object) -> None:
        self._network.close()


def border_fade(region: Region, shape: tuple[int, ...]) -> np.ndarray:
    """Trust falls to nothing towards the sides of a view that cut through the picture, not at the picture's own border."""
    ramp = np.linspace(0.0, 1.0, NETWORK_SIDE_PX, dtype=np.float32) * 6
    one = np.ones(NETWORK_SIDE_PX, np.float32)
    across = np.minimum(ramp if region.left > 0 else one, ramp[::-1] if region.right < shape[1] else one)
    down = np.minimum(ramp if region.top > 0 else one, ramp[::-1] if region.bottom < shape[0] else one)
    return np.clip(np.minimum(across[None, :], down[:, None]), 1e-3, 1).astype(np.float32)


def merge_views(views: list[View], region: Region) -> np.ndarray:
    """Trust-weighted mean confidence of all views on the region's working grid, (h, w) float32."""
    width, height = region.working_size
    total, weight = np.zeros((height, width), np.float32), np.full((height, width), 1e-6, np.float32)
    for view in views:
        trust = region.resample_from(view.region, view.trust)
        total += trust * region.resample_from(view.region, view.confidence)
        weight += trust
    return total / weight


def is_plausible(confidence: np.ndarray, region: Region, face: Face) -> bool:
    """Did the network see this person at all, and something else than a person too?"""
    oval = oval_mask(region, face)
    return bool(oval.any() and confidence[oval].mean() > 0.6 and (confidence > 0.5).mean() < 0.97)


def oval_mask(region: Region, face: Face) -> np.ndarray:
    width, height = region.working_size
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(region.points(face.oval) * 16 - 8).astype(np.int32)], 1, shift=4)
    return mask > 0


def grabcut_view(image: np.ndarray, face: Face) -> View:
    """Without help of the network: a head-and-shoulders shape grown from the landmarks, fitted to the colours by GrabCut."""
    region = face_box(face, 3.0, image.shape)
    region = Region(region.left, region.top, region.right, region.bottom,
                    min(1.0, NETWORK_SIDE_PX / max(region.right - region.left, region.bottom - region.top)))
    small = np.ascontiguousarray(region.shrink(image))
    likely = _bust_mask(region, face, growth=1.0)
    labels = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[~_bust_mask(region, face, growth=1.45)] = cv2.GC_BGD
    labels[_bust_mask(region, face, growth=0.72) | oval_mask(region, face)] = cv2.GC_FGD
    if (labels == cv2.GC_BGD).any() and (labels == cv2.GC_FGD).any():
        cv2.setRNGSeed(0)
        cv2.grabCut(small, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    inside = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.float32)
    return View(region, cv2.GaussianBlur(inside, (0, 0), 1.5), np.ones_like(inside))


def _bust_mask(region: Region, face: Face, growth: float) -> np.ndarray:
    """Head ellipse, neck and shoulders in average proportions, in the face's own tilt, its width grown by `growth`."""
    side = np.array([-face.down[1], face.down[0]])
    width, height = region.working_size
    mask = np.zeros((height, width), np.uint8)
    turns = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    head_centre = face.centre - face.down * (HEAD_ABOVE * face.height)
    half_width, half_height = (half * face.height * growth for half in HEAD_HALVES)
    head = head_centre + np.outer(np.cos(turns) * half_width, side) + np.outer(np.sin(turns) * half_height, face.down)
    # (across, down) in face heights from the face's centre.
    left = np.array([(-0.3, 0.3), (-0.34, 0.75), (-1.1, 1.1), (-1.35, 4.0)])
    bust = np.concatenate([left, left[::-1] * (-1, 1)]) * (growth, 1.0) + (0.0, 0.12 * (1.0 - growth))
    body = face.centre + face.height * (np.outer(bust[:, 0], side) + np.outer(bust[:, 1], face.down))
    for outline in (head, body):
        cv2.fillPoly(mask, [np.round(region.points(outline)).astype(np.int32)], 1)
    return mask > 0


def stretched(pixels: np.ndarray) -> np.ndarray:
    """Full contrast for faded or very dark pictures, (h, w, 3) uint8; the same curve for all channels."""
    low, high = np.percentile(pixels, (1, 99))
    gain = min(255 / max(high - low, 1.0), LARGEST_GAIN)
    return np.clip((pixels.astype(np.float32) - low) * gain, 0, 255).astype(np.uint8)


# --- Whose pixels ----------------------------------------------------------------------------------------------------------

def _disc(radius_px: float) -> np.ndarray:
    side = 2 * max(1, round(radius_px)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def grow(mask: np.ndarray, radius_px: float) -> np.ndarray:
    """Everything within `radius_px` of the mask."""
    if not mask.any():
        return mask.copy()
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) <= radius_px


def deep_inside(mask: np.ndarray, radius_px: float) -> np.ndarray:
    """What lies deeper than `radius_px` in the mask; the picture's border is not an edge of the person."""
    if mask.all():
        return mask.copy()
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5) > radius_px


def own_component(mask: np.ndarray, region: Region, face: Face) -> np.ndarray:
    """The part of `mask` that hangs together with the face, without thin bridges to others and with small holes filled."""
    iod = face.iod * region.scale
    oval = oval_mask(region, face)
    mask = mask | oval
    opened = mask.astype(np.uint8)
    if BRIDGE_IOD * iod >= 1:
        opened = cv2.morphologyEx(opened, cv2.MORPH_OPEN, _disc(BRIDGE_IOD * iod))
    _, labels = cv2.connectedComponents(opened | oval.astype(np.uint8), connectivity=4)
    touched = np.bincount(labels[oval], minlength=1) if oval.any() else np.zeros(1)
    touched[0] = 0
    own = labels == int(touched.argmax()) if touched.any() else oval
    own = (grow(own, 2 * BRIDGE_IOD * iod) & mask) | oval
    return own | _small_holes(own, HOLE_IOD * iod)


def nearer_to_others(region: Region, face: Face, others: list[Face]) -> np.ndarray:
    """Pixels nearer to another person's head and shoulders than to this one's, each in their own face heights."""
    width, height = region.working_size
    if not others:
        return np.zeros((height, width), bool)
    own, *rest = (_distance_to_bust(region, one) for one in (face, *others))
    return np.min(rest, axis=0) < own


def is_worn(other: Face, face: Face) -> bool:
    """Whether another "face" is something that the person of `face` wears on the head: far smaller, and where the head or hat is."""
    offset = (other.centre - face.centre + face.down * (HEAD_ABOVE * face.height)) / (WORN_REACH * face.height)
    along = float(offset @ face.down)
    across = float(offset @ (-face.down[1], face.down[0]))
    return other.height < WORN_SHARE * face.height and np.hypot(across / HEAD_HALVES[0], along / HEAD_HALVES[1]) < 1


def _distance_to_bust(region: Region, face: Face) -> np.ndarray:
    """Face heights to the middle of this person's head, neck and chest, (h, w)."""
    bust = _bust_mask(region, face, growth=0.6) | oval_mask(region, face)
    if not bust.any():
        return np.full(bust.shape, np.inf)
    return cv2.distanceTransform((~bust).astype(np.uint8), cv2.DIST_L2, 5) / (face.height * region.scale)


def _small_holes(mask: np.ndarray, side_px: float) -> np.ndarray:
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    rows, columns = mask.shape
    holes = np.zeros(count, bool)
    for index in range(1, count):
        x, y, w, h, area = stats[index]
        on_border = x == 0 or y == 0 or x + w == columns or y + h == rows
        holes[index] = area < side_px ** 2 and not on_border
    return holes[labels]
