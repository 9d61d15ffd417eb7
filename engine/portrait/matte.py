"""The person's matte: which part of each pixel belongs to the person who owns the given face.

A small segmentation network says roughly where the person is; closed-form matting finds the hair edge inside a band around
that outline, at a bounded working size; a guided filter carries the edge to the picture's own resolution.

Sources: A. Levin, D. Lischinski, Y. Weiss, "A Closed-Form Solution to Natural Image Matting", TPAMI 2008 (through PyMatting);
K. He, J. Sun, X. Tang, "Guided Image Filtering", TPAMI 2013; C. Rother, V. Kolmogorov, A. Blake, "GrabCut", SIGGRAPH 2004.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from soliloquy.engine.models import model_path
from soliloquy.engine.portrait.topology import CHIN, FACE_OVAL, FOREHEAD
from soliloquy.engine.progress import Progress, silent

EYE_CORNERS = ((33, 133), (362, 263))

NETWORK_SIDE_PX = 256        # input side of selfie_segmentation.tflite
VIEW_REACHES = (1.25, 1.9, 4.0, 8.0)  # face heights to each side of the face
SHARP_FACE_PX = 40           # faces smaller than this in the network's input are seen less and less surely
WORKING_SIDE_PX = 640        # long side of a region while its edge is solved: well under a second on two cores
NEAR_GAIN = 1.4              # the head is solved a second time when that gives it this much more resolution
TILE_PX = 1024               # guided filtering of large pictures goes tile by tile: bounded memory

# Lengths in inter-ocular distances (63 mm on an adult).
BAND_INSIDE_IOD = 0.14
BAND_OUTSIDE_IOD = 0.20
HAIR_OUTSIDE_IOD = 0.34
BRIDGE_IOD = 0.10            # what hangs on the person by less than this is something else
HOLE_IOD = 0.45              # holes smaller than this square are errors of the network, not gaps under an arm

LEVIN_EPSILON = 1e-5         # regularisation of the colour-line model; larger is smoother and converges sooner
PRIOR_WEIGHT = 0.03          # pull towards the network's own answer, so that no edge means "as the network says"
LARGEST_GAIN = 3.0           # contrast is stretched at most this much before looking for edges
SOLVER_TOLERANCE = 1e-4
SOLVER_STEPS = 200


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


def person_matte(image: np.ndarray, landmarks_px: np.ndarray, *, others_px: Sequence[np.ndarray] = (),
                 progress: Progress = silent) -> np.ndarray:
    """How much of each pixel is the person whose face is given.

    Args:
        image: (H, W, 3) uint8 sRGB.
        landmarks_px: (478, 3) face landmarks in pixels of `image` (MediaPipe's topology; z may be 0).
        others_px: landmarks of the other faces in the picture: people who touch this person are told apart by them.
    Returns:
        (H, W) float32, 0 to 1: exactly 1 inside (the face oval always), exactly 0 outside, between only in the edge band.
    Raises:
        ModelError: the segmentation model is not installed.
    """
    face = Face.from_landmarks(landmarks_px)
    height, width = image.shape[:2]
    overview = Region.around(0, 0, width, height, image.shape, WORKING_SIDE_PX)
    progress("matte", 0, 4)
    views = _network_views(image, face)
    confidence = _merge_views(views, overview)
    if not _is_plausible(confidence, overview, face):
        views = [_grabcut_view(image, face)]
        confidence = _merge_views(views, overview)
    progress("matte", 1, 4)
    others = [Face.from_landmarks(points) for points in others_px]
    person = _own_component((confidence > 0.5) & ~_nearer_to_others(overview, face, others), overview, face)
    regions = _working_regions(person, overview, face, image.shape)
    matte = np.zeros((height, width), np.float32)
    for done, region in enumerate(regions):
        progress("matte", 2 + done, 4)
        own = region.resample_from(overview, person.astype(np.float32)) > 0.5
        solved = _solve_region(region.shrink(image), _merge_views(views, region), own, region, face)
        _blend_region(matte, _to_full_size(region.cut(image), solved, region), region, feather=done > 0, face=face)
    matte = _keep_main_island(matte, face)
    progress("matte", 4, 4)
    return matte


# --- Where the person is -----------------------------------------------------------------------------------------------------

def _face_box(face: Face, reach: float, shape: tuple[int, ...]) -> Region:
    """A square of `reach` face heights to each side of a point a little below the face's centre, cut at the picture's edge."""
    x, y = face.centre + face.down * (0.1 * reach * face.height)
    half = reach * face.height
    return Region.around(x - half, y - half, x + half, y + half, shape, WORKING_SIDE_PX)


def _network_views(image: np.ndarray, face: Face) -> list[View]:
    """The network's answers from the head outwards to the whole picture, each averaged with that for its mirror image."""
    height, width = image.shape[:2]
    regions = [_face_box(face, reach, image.shape) for reach in VIEW_REACHES]
    regions = [one for one in regions if (one.right - one.left) * (one.bottom - one.top) < 0.8 * height * width]
    regions.append(Region.around(0, 0, width, height, image.shape, WORKING_SIDE_PX))
    views = []
    with _segmenter() as segment:
        for region in regions:
            face_px = face.height * NETWORK_SIDE_PX / max(region.right - region.left, region.bottom - region.top)
            trust = float(np.clip((face_px / SHARP_FACE_PX) ** 2, 0.01, 1.5))
            side = (NETWORK_SIDE_PX, NETWORK_SIDE_PX)
            small = np.ascontiguousarray(_stretched(cv2.resize(region.cut(image), side, interpolation=cv2.INTER_AREA)))
            mirrored = segment(np.ascontiguousarray(small[:, ::-1]))[:, ::-1]
            views.append(View(region, (segment(small) + mirrored) / 2, trust * _border_fade(region, image.shape)))
    return views


class _segmenter:
    """Context manager around MediaPipe's ImageSegmenter: gives (256, 256, 3) uint8 -> (256, 256) float32 confidence."""

    def __enter__(self) -> Callable[[np.ndarray], np.ndarray]:
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.ImageSegmenterOptions(base_options=BaseOptions(model_asset_path=str(model_path("selfie_segmentation"))),
                                               output_confidence_masks=True, output_category_mask=False)
        self._network = vision.ImageSegmenter.create_from_options(options)

        def segment(pixels: np.ndarray) -> np.ndarray:
            result = self._network.segment(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels))
            return np.array(result.confidence_masks[-1].numpy_view(), np.float32).reshape(pixels.shape[:2])

        return segment

    def __exit__(self, *_: object) -> None:
        self._network.close()


def _border_fade(region: Region, shape: tuple[int, ...]) -> np.ndarray:
    """Trust falls to nothing towards the sides of a view that cut through the picture, not at the picture's own border."""
    ramp = np.linspace(0.0, 1.0, NETWORK_SIDE_PX, dtype=np.float32) * 6
    one = np.ones(NETWORK_SIDE_PX, np.float32)
    across = np.minimum(ramp if region.left > 0 else one, ramp[::-1] if region.right < shape[1] else one)
    down = np.minimum(ramp if region.top > 0 else one, ramp[::-1] if region.bottom < shape[0] else one)
    return np.clip(np.minimum(across[None, :], down[:, None]), 1e-3, 1).astype(np.float32)


def _merge_views(views: list[View], region: Region) -> np.ndarray:
    """Trust-weighted mean confidence of all views on the region's working grid, (h, w) float32."""
    width, height = region.working_size
    total, weight = np.zeros((height, width), np.float32), np.full((height, width), 1e-6, np.float32)
    for view in views:
        trust = region.resample_from(view.region, view.trust)
        total += trust * region.resample_from(view.region, view.confidence)
        weight += trust
    return total / weight


def _is_plausible(confidence: np.ndarray, region: Region, face: Face) -> bool:
    """Did the network see this person at all, and something else than a person too?"""
    oval = _oval_mask(region, face)
    return bool(oval.any() and confidence[oval].mean() > 0.6 and (confidence > 0.5).mean() < 0.97)


def _oval_mask(region: Region, face: Face) -> np.ndarray:
    width, height = region.working_size
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(region.points(face.oval) * 16 - 8).astype(np.int32)], 1, shift=4)
    return mask > 0


def _grabcut_view(image: np.ndarray, face: Face) -> View:
    """Without help of the network: a head-and-shoulders shape grown from the landmarks, fitted to the colours by GrabCut."""
    region = _face_box(face, 3.0, image.shape)
    region = Region(region.left, region.top, region.right, region.bottom,
                    min(1.0, NETWORK_SIDE_PX / max(region.right - region.left, region.bottom - region.top)))
    small = np.ascontiguousarray(region.shrink(image))
    likely = _bust_mask(region, face, growth=1.0)
    labels = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[~_bust_mask(region, face, growth=1.45)] = cv2.GC_BGD
    labels[_bust_mask(region, face, growth=0.72) | _oval_mask(region, face)] = cv2.GC_FGD
    if (labels == cv2.GC_BGD).any() and (labels == cv2.GC_FGD).any():
        cv2.setRNGSeed(0)
        cv2.grabCut(small, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    inside = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.float32)
    return View(region, cv2.GaussianBlur(inside, (0, 0), 1.5), np.ones_like(inside))


def _bust_mask(region: Region, face: Face, growth: float) -> np.ndarray:
    """Head ellipse, neck and shoulders in average proportions, in the face's own tilt, grown by `growth`."""
    side = np.array([-face.down[1], face.down[0]])
    width, height = region.working_size
    mask = np.zeros((height, width), np.uint8)
    turns = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    head_centre = face.centre - face.down * (0.18 * face.height)
    half_width, half_height = 0.52 * face.height * growth, 0.76 * face.height * growth
    head = head_centre + np.outer(np.cos(turns) * half_width, side) + np.outer(np.sin(turns) * half_height, face.down)
    # (across, down) in face heights from the face's centre; shoulders stay level with the picture's bottom edge.
    bust = np.array([(-0.3, 0.3), (-0.34, 0.75), (-1.1, 1.1), (-1.35, 4.0), (1.35, 4.0), (1.1, 1.1), (0.34, 0.75), (0.3, 0.3)])
    bust = bust * (growth, 1.0) + (0.0, 0.12 * (1.0 - growth))
    body = face.centre + face.height * (np.outer(bust[:, 0], side) + np.outer(bust[:, 1], face.down))
    for outline in (head, body):
        cv2.fillPoly(mask, [np.round(region.points(outline)).astype(np.int32)], 1)
    return mask > 0


# --- Whose pixels ------------------------------------------------------------------------------------------------------------

def _disc(radius_px: float) -> np.ndarray:
    side = 2 * max(1, round(radius_px)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def _grow(mask: np.ndarray, radius_px: float) -> np.ndarray:
    """Everything within `radius_px` of the mask."""
    if not mask.any():
        return mask.copy()
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) <= radius_px


def _shrink_mask(mask: np.ndarray, radius_px: float) -> np.ndarray:
    """What lies deeper than `radius_px` in the mask; the picture's border is not an edge of the person."""
    if mask.all():
        return mask.copy()
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5) > radius_px


def _own_component(mask: np.ndarray, region: Region, face: Face) -> np.ndarray:
    """The part of `mask` that hangs together with the face, without thin bridges to others and with small holes filled."""
    iod = face.iod * region.scale
    oval = _oval_mask(region, face)
    mask = mask | oval
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _disc(BRIDGE_IOD * iod)) if iod > 8 else mask.astype(np.uint8)
    _, labels = cv2.connectedComponents(opened | oval.astype(np.uint8), connectivity=4)
    touched = np.bincount(labels[oval], minlength=1) if oval.any() else np.zeros(1)
    touched[0] = 0
    own = labels == int(touched.argmax()) if touched.any() else oval
    own = (_grow(own, 2 * BRIDGE_IOD * iod) & mask) | oval
    return own | _small_holes(own, HOLE_IOD * iod)


def _nearer_to_others(region: Region, face: Face, others: list[Face]) -> np.ndarray:
    """Pixels nearer to another person's head and shoulders than to this one's, each in their own face heights."""
    width, height = region.working_size
    if not others:
        return np.zeros((height, width), bool)
    own, *rest = (_distance_to_bust(region, one) for one in (face, *others))
    return np.min(rest, axis=0) < own


def _distance_to_bust(region: Region, face: Face) -> np.ndarray:
    """Face heights to the middle of this person's head, neck and chest, (h, w)."""
    bust = _bust_mask(region, face, growth=0.6) | _oval_mask(region, face)
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


def _working_regions(person: np.ndarray, overview: Region, face: Face, shape: tuple[int, ...]) -> list[Region]:
    """The person's box, and the head's box too where that shows the hair at a clearly better resolution."""
    rows, columns = np.flatnonzero(person.any(axis=1)), np.flatnonzero(person.any(axis=0))
    margin = 1.0 * face.iod
    whole = Region.around(columns[0] / overview.scale - margin, rows[0] / overview.scale - margin,
                          (columns[-1] + 1) / overview.scale + margin, (rows[-1] + 1) / overview.scale + margin,
                          shape, WORKING_SIDE_PX)
    head = _face_box(face, 1.25, shape)
    return [whole, head] if head.scale > NEAR_GAIN * whole.scale else [whole]


# --- The edge ----------------------------------------------------------------------------------------------------------------

def trimap(confidence: np.ndarray, person: np.ndarray, region: Region, face: Face) -> np.ndarray:
    """1 surely the person, 0 surely not, 0.5 to be solved; (h, w) float64 on the region's working grid."""
    iod = face.iod * region.scale
    height, width = person.shape
    rows, columns = np.mgrid[0:height, 0:width]
    chin = region.points(face.centre[None] + face.down * 0.35 * face.height)[0]
    above_chin = (columns - chin[0]) * face.down[0] + (rows - chin[1]) * face.down[1] < 0
    near = np.where(above_chin, _grow(person, HAIR_OUTSIDE_IOD * iod), _grow(person, BAND_OUTSIDE_IOD * iod))
    doubtful = (confidence > 0.15) & _grow(person, 3 * BAND_OUTSIDE_IOD * iod)
    inside = _shrink_mask(person, BAND_INSIDE_IOD * iod) & (confidence > 0.85)
    inside |= _shrink_mask(person, 3 * BAND_INSIDE_IOD * iod) | _oval_mask(region, face)
    result = np.where(near | doubtful, 0.5, 0.0)
    result[inside] = 1.0
    return result


def solve_alpha(pixels: np.ndarray, known: np.ndarray, prior: np.ndarray, prior_weight: np.ndarray) -> np.ndarray:
    """Closed-form matting with a soft prior.

    Args:
        pixels: (h, w, 3) float64, 0 to 1.
        known: (h, w) float64 trimap: 0, 0.5 (unknown) or 1.
        prior: (h, w) what alpha should be where the colours do not decide.
        prior_weight: (h, w) how strongly, against the matting Laplacian's own rows (about 1).
    Returns:
        (h, w) float64, 0 to 1.
    """
    import pymatting
    import scipy.sparse.linalg

    unknown = ((known > 0) & (known < 1)).ravel()
    alpha = known.ravel().copy()
    if not unknown.any():
        return known.copy()
    laplacian = pymatting.cf_laplacian(pixels, epsilon=LEVIN_EPSILON, is_known=~unknown)
    rows = laplacian[unknown]
    weight = np.maximum(prior_weight.ravel()[unknown], 1e-6)
    system = (rows[:, unknown] + scipy.sparse.diags(weight)).tocsr()
    target = weight * prior.ravel()[unknown] - rows[:, ~unknown] @ alpha[~unknown]
    scale = scipy.sparse.diags(1.0 / system.diagonal())
    solved, _ = scipy.sparse.linalg.cg(system, target, x0=prior.ravel()[unknown].astype(np.float64), rtol=SOLVER_TOLERANCE,
                                       maxiter=SOLVER_STEPS, M=scale)
    alpha[unknown] = np.clip(solved, 0, 1)
    return alpha.reshape(known.shape)


def _solve_region(pixels: np.ndarray, confidence: np.ndarray, person: np.ndarray, region: Region, face: Face) -> np.ndarray:
    known = trimap(confidence, person, region, face)
    confidence = np.where(_grow(person, BAND_OUTSIDE_IOD * face.iod * region.scale) | person, confidence, 0.0)
    weight = PRIOR_WEIGHT * (2 * confidence - 1) ** 2
    # The network is unsure over a wide border where the person is opaque all the same: steepen its answer.
    prior = np.clip((confidence - 0.25) / 0.5, 0, 1)
    alpha = solve_alpha(_stretched(pixels).astype(np.float64) / 255, known, prior, weight)
    return _settle(alpha).astype(np.float32)


def _stretched(pixels: np.ndarray) -> np.ndarray:
    """Full contrast for faded or very dark pictures, (h, w, 3) uint8; the same curve for all channels."""
    low, high = np.percentile(pixels, (1, 99))
    gain = min(255 / max(high - low, 1.0), LARGEST_GAIN)
    return np.clip((pixels.astype(np.float32) - low) * gain, 0, 255).astype(np.uint8)


def _settle(alpha: np.ndarray) -> np.ndarray:
    """Nearly 0 and nearly 1 become exactly that: a veil of two per cent would drag the background along with the head."""
    return np.clip((alpha - 0.04) / 0.92, 0, 1)


def _to_full_size(pixels: np.ndarray, alpha: np.ndarray, region: Region) -> np.ndarray:
    """Alpha on the working grid -> the region's full size, its edge following the full picture's."""
    height, width = pixels.shape[:2]
    large = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)
    if region.scale > 0.75:
        return large
    radius = max(2, round(2.0 / region.scale))
    band = _grow(cv2.resize(((alpha > 0) & (alpha < 1)).astype(np.uint8), (width, height)) > 0, radius)
    result = large.copy()
    for tile in _tiles(height, width, 3 * radius):
        if band[tile].any():
            filtered = cv2.ximgproc.guidedFilter(pixels[tile], np.ascontiguousarray(large[tile]) * 255, radius, (0.01 * 255) ** 2)
            result[tile] = np.where(band[tile], _settle(np.clip(filtered / 255, 0, 1)), result[tile])
    return result


def _tiles(height: int, width: int, margin: int) -> Iterator[tuple[slice, slice]]:
    for top in range(0, height, TILE_PX):
        for left in range(0, width, TILE_PX):
            yield (slice(max(0, top - margin), min(height, top + TILE_PX + margin)),
                   slice(max(0, left - margin), min(width, left + TILE_PX + margin)))


def _blend_region(matte: np.ndarray, alpha: np.ndarray, region: Region, *, feather: bool, face: Face) -> None:
    """Write the region's alpha into the matte; a feathered one fades out towards the sides that cut through the picture."""
    target = matte[region.top:region.bottom, region.left:region.right]
    if not feather:
        target[:] = alpha
        return
    height, width = alpha.shape
    fade = _border_fade(region, matte.shape)
    weight = np.clip(cv2.resize(fade, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)
    weight[weight < 0.01] = 0
    target[:] = target * (1 - weight) + alpha * weight


def _keep_main_island(matte: np.ndarray, face: Face) -> np.ndarray:
    """Drop specks that do not hang together with the face; make the face whole."""
    oval = np.zeros(matte.shape, np.uint8)
    cv2.fillPoly(oval, [np.round(face.oval).astype(np.int32)], 1)
    result = np.where(oval > 0, np.float32(1), matte)
    _, labels = cv2.connectedComponents((result > 0.02).astype(np.uint8), connectivity=8)
    inside = labels[oval > 0]
    if inside.size:
        result[labels != np.bincount(inside).argmax()] = 0
    result[result < 1 / 255] = 0
    result[result > 1 - 1 / 255] = 1
    return result
