"""Fit the head asset to one face: rest positions and what the 52 ARKit shapes and lipsTogether do to *this* face.

The face's surface is MediaPipe's landmarks themselves. MakeHuman's neutral head (assets/head.npz) is laid over them by a
similarity (Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns"); its
blendshape offsets are carried over by the local Jacobian of the map from its landmarks to this face's, and then corrected
where contact counts: lids that meet, lips that seal.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...common.channels import RIG_CHANNELS, SEALED_ROLL
from ..motion.clip import CHANNEL_INDEX
from .topology import CHIN, FOREHEAD, INNER_LIP_LOWER, INNER_LIP_UPPER, LID_LOWER, LID_UPPER, SURFACE_LANDMARKS

ASSET = Path(__file__).parents[1] / "assets" / "head.npz"
PUPIL_DISTANCE_M = 0.063
"""Mean adult inter-pupillary distance (Dodgson 2004, "Variation and extrema of human interpupillary distance")."""
HEAD_PUPIL_DISTANCE_DM = 0.6156
"""The same on the asset."""
CAMERA_DISTANCE_M = 1.0
"""The pinhole stands this far from the face: head distance 1 of a direction."""

FACE_HEIGHT = 2.0
"""Forehead to chin of MediaPipe's mesh, in pupil distances."""

JACOBIAN_REACH = 0.45
"""Standard deviation, in pupil distances, of the neighbourhood whose shape decides how offsets are stretched."""
LOWER_LID_SHARE = 0.08
"""How much of a blink the lower lid travels (Evinger et al. 1991, "Eyelid movements": the upper lid does nearly all)."""
LASH_ROOTS = 0.01
"""The moving lid begins this far above the detector's lid edge (pupil distances), so that it takes no white along."""
LID_OVERLAP = 0.022
"""A closed upper lid passes the lower one's edge by this much (pupil distances): it hides the wet rim of the lower lid."""
SKIN_FOLLOWS_LID = 0.6
"""Of the motion that the asset gives the skin above the fold in a blink: brow and socket hardly move."""
LOOK_DOWN_LID, LOOK_UP_LID = 0.08, 0.035
"""Travel of the upper lid at eyeLookDown and eyeLookUp 1 (30 and 25 degrees), pupil distances: it follows the gaze with four
fifths of its angle, less upwards (Becker & Fuchs 1988, "Lid-eye coordination during vertical gaze changes in man and monkey")."""
WIDE_LID = 0.03
"""The upper lid goes up by this in a wide eye, pupil distances: 2 mm, what Mueller's muscle and the brow lift it."""
SQUINT_LID = 0.02
"""The upper lid comes down this far, pupil distances, in a full squint; the lower one does the rest."""
MOST_FOLLOWED = 0.6
"""No look down closes an eye further than this."""
LIP_REACH = 0.22
"""Reach of the corrections that make lips meet, pupil distances."""
LOWER_LIP_SHARE = 0.7
"""Of a gap between the lips at rest, the part the lower lip and jaw close."""
LIP_OVERLAP = 0.022
"""Sealed lips press past each other by this much, pupil distances."""
CLOSED_LIPS = 0.02
"""Lips nearer than this at rest (pupil distances) are taken as closed: the detector's two contours become one seam."""
RELATIVE_TO_REST = ("mouthSmileLeft", "mouthSmileRight", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft",
                    "mouthLowerDownRight", "browInnerUp", "browDownLeft", "browDownRight", "eyeSquintLeft", "eyeSquintRight")
"""Channels whose reach shrinks by what the picture already shows."""
ROLL_SHARE = 0.5
"""How much of the asset's lip roll is kept: at full size thin lips vanish."""


@dataclass
class Fit:
    """One face, fitted. Picture space: x right, y down, z towards the camera, pixels of the picture.

    surface: (468, 3) rest positions; deltas: (RIG_CHANNELS, 468, 3); pupil_distance: pixels, measured in 3D.
    rotation (3, 3), scale (pixels per decimetre), translation (3,): asset coordinates, y flipped, to picture space.
    """

    surface: np.ndarray
    deltas: np.ndarray
    pupil_distance: float
    rotation: np.ndarray
    scale: float
    translation: np.ndarray

    def place(self, points_dm: np.ndarray) -> np.ndarray:
        """Asset points (V, 3) in decimetres, y up -> picture space (V, 3)."""
        return self.turn(points_dm) + self.translation

    def turn(self, offsets_dm: np.ndarray) -> np.ndarray:
        """Asset offsets (..., 3) in decimetres, y up -> pixels in picture space."""
        return (offsets_dm * (1, -1, 1)) @ (self.scale * self.rotation).T

    @property
    def lips_closed(self) -> bool:
        """Whether the two inner lip contours are one seam (`close_seam`)."""
        return bool((self.surface[list(INNER_LIP_UPPER)] == self.surface[list(INNER_LIP_LOWER)]).all())

    @property
    def down(self) -> np.ndarray:
        """(2,) unit vector in the picture from the forehead to the chin."""
        direction = self.rotation[:2, 1]
        return direction / np.linalg.norm(direction)


@functools.cache
def head_asset() -> dict[str, np.ndarray]:
    """The arrays of assets/head.npz (see training/build_head.py)."""
    with np.load(ASSET, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def similarity(source: np.ndarray, target: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Rotation, scale and translation that carry source (N, 3) onto target (N, 3) with least weighted squares."""
    weights = weights[:, None] / weights.sum()
    source_mean, target_mean = (weights * source).sum(0), (weights * target).sum(0)
    source_c, target_c = source - source_mean, target - target_mean
    u, singular, vt = np.linalg.svd((weights * target_c).T @ source_c)
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ flip @ vt
    scale = float((singular * np.diag(flip)).sum() / (weights * source_c ** 2).sum())
    return rotation, scale, target_mean - scale * rotation @ source_mean


def local_jacobians(source: np.ndarray, target: np.ndarray, reach: float) -> np.ndarray:
    """(N, 3, 3): how the map source -> target (N, 3) stretches the neighbourhood of each point, drawn towards identity."""
    distance2 = ((source[:, None] - source[None]) ** 2).sum(-1)
    weights = np.exp(-distance2 / (2 * reach ** 2))
    weights /= weights.sum(1, keepdims=True)
    source_c = source[None] - np.einsum("ij,jk->ik", weights, source)[:, None]
    target_c = target[None] - np.einsum("ij,jk->ik", weights, target)[:, None]
    damping = 0.15 * reach ** 2 * np.eye(3)
    across = np.einsum("ij,ijk,ijl->ikl", weights, target_c, source_c) + damping
    along = np.einsum("ij,ijk,ijl->ikl", weights, source_c, source_c) + damping
    return across @ np.linalg.inv(along)


def fit_face(landmarks_px: np.ndarray, rest: dict[str, float] | None = None) -> Fit:
    """Fit the asset to landmarks (478, 3) in picture space.

    rest: the expression the picture already shows (channel -> 0..1). A shape that is there in part can only be added in part.
    """
    asset = head_asset()
    surface = close_seam(landmarks_px[:SURFACE_LANDMARKS].astype(np.float64))
    source = asset["landmark_rest"] * (1, -1, 1)
    weights = np.ones(SURFACE_LANDMARKS)
    weights[list(INNER_LIP_LOWER + INNER_LIP_UPPER)] = 0.1
    rotation, scale, translation = similarity(source, surface, weights)
    pupil_distance = HEAD_PUPIL_DISTANCE_DM * scale
    aligned = scale * source @ rotation.T + translation
    fit = Fit(surface, np.zeros((len(RIG_CHANNELS), SURFACE_LANDMARKS, 3)), pupil_distance, rotation, scale, translation)
    jacobians = local_jacobians(aligned, surface, JACOBIAN_REACH * pupil_distance)
    fit.deltas[: len(CHANNEL_INDEX)] = np.einsum("nij,cnj->cni", jacobians, fit.turn(asset["landmark_deltas"].astype(np.float64)))
    for channel in RELATIVE_TO_REST:
        fit.deltas[CHANNEL_INDEX[channel]] *= 1 - (rest or {}).get(channel, 0.0)
    for side in ("left", "right"):
        taper = np.sin(np.linspace(0, np.pi, len(LID_UPPER[side])))[:, None]
        fit.surface[list(LID_UPPER[side]), :2] -= taper * fit.down * LASH_ROOTS * pupil_distance
        meet_lids(fit, side)
    meet_lips(fit)
    return fit


def face_height(points: np.ndarray) -> float:
    """Forehead to chin of landmarks (N, 3), pixels."""
    return float(np.linalg.norm(points[CHIN, :2] - points[FOREHEAD, :2]))


def lip_gap(points: np.ndarray) -> float:
    """How far apart the lips of landmarks (N, 3) are in their middle, pupil distances."""
    down = (points[CHIN, :2] - points[FOREHEAD, :2]) / face_height(points)
    gap = (points[list(INNER_LIP_LOWER), :2] - points[list(INNER_LIP_UPPER), :2]) @ down
    return float(np.median(gap[3:8])) * FACE_HEIGHT / face_height(points)


def lips_touch(points: np.ndarray) -> bool:
    """Whether the mouth of landmarks (N, 3) is closed."""
    return lip_gap(points) < CLOSED_LIPS


def close_seam(surface: np.ndarray) -> np.ndarray:
    """Landmarks (468, 3) with the two inner lip contours joined where the mouth is closed."""
    if lips_touch(surface):
        upper, lower = list(INNER_LIP_UPPER), list(INNER_LIP_LOWER)
        surface = surface.copy()
        surface[upper] = surface[lower] = (surface[upper] + surface[lower]) / 2
    return surface


def meet_lids(fit: Fit, side: str) -> None:
    """Make eyeBlink at 1 bring this face's upper lid edge onto its lower one; the lid's skin follows in proportion."""
    channel = CHANNEL_INDEX[f"eyeBlink{side.capitalize()}"]
    upper, lower = fit.surface[list(LID_UPPER[side])], fit.surface[list(LID_LOWER[side])]
    lower_travel = (upper - lower) * LOWER_LID_SHARE
    past = np.array([*(fit.down * LID_OVERLAP * fit.pupil_distance), 0.0])
    taper = np.sin(np.linspace(0, np.pi, len(upper)))[:, None]
    upper_travel = lower + lower_travel - upper + past * taper
    old = fit.deltas[channel]
    edge = list(LID_UPPER[side])
    old_edge = np.linalg.norm(old[edge][:, :2], axis=1)
    place = project_on(fit.surface[:, :2], upper[:, :2])
    share = (old[:, :2] @ fit.down) / np.maximum(np.interp(place, np.arange(len(upper)), old_edge), 0.25 * old_edge.max())
    share = SKIN_FOLLOWS_LID * np.clip(share, 0.0, 1.0)
    travel = np.stack([np.interp(place, np.arange(len(upper)), upper_travel[:, k]) for k in range(3)], axis=1)
    closing = share[:, None] * travel
    closing[:, 2] = old[:, 2]
    near = np.abs(old[:, :2] @ fit.down) > 1e-6
    fit.deltas[channel] = np.where(near[:, None], closing, old)
    fit.deltas[channel][list(LID_LOWER[side])] = lower_travel
    fit.deltas[channel][edge] = upper_travel
    follow_gaze(fit, side, share_of_blink(fit, side))


def share_of_blink(fit: Fit, side: str) -> np.ndarray:
    """(468, 3) motion of the upper lid and the skin above it in a blink, per pupil distance that the lid's middle travels."""
    closing = fit.deltas[CHANNEL_INDEX[f"eyeBlink{side.capitalize()}"]].copy()
    upper, lower = list(LID_UPPER[side]), list(LID_LOWER[side])
    closing[[n for n in lower if n not in upper]] = 0.0
    middle = closing[upper[len(upper) // 2], :2] @ fit.down / fit.pupil_distance
    return closing / max(float(middle), 1e-3)


def follow_gaze(fit: Fit, side: str, lowering: np.ndarray) -> None:
    """Give the upper lid its way when the eye looks up or down, widens or squints. lowering: (468, 3), see `share_of_blink`."""
    upper, lower = (fit.surface[list(lid)][len(lid) // 2] for lid in (LID_UPPER[side], LID_LOWER[side]))
    opening = float((lower - upper)[:2] @ fit.down) / fit.pupil_distance
    moves = (lowering != 0).any(axis=1)
    for name, travel in (("eyeLookDown", min(LOOK_DOWN_LID, MOST_FOLLOWED * opening)), ("eyeLookUp", -LOOK_UP_LID),
                         ("eyeWide", -WIDE_LID), ("eyeSquint", SQUINT_LID)):
        deltas = fit.deltas[CHANNEL_INDEX[f"{name}{side.capitalize()}"]]
        deltas[moves] = travel * lowering[moves]


def project_on(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """(N,) position 0..len(line)-1 of points (N, 2) along the axis from the line's first to its last point (K, 2)."""
    axis = line[-1] - line[0]
    along = (line - line[0]) @ axis
    return np.interp((points - line[0]) @ axis, np.maximum.accumulate(along), np.arange(len(line)))


def meet_lips(fit: Fit) -> None:
    """Make lips seal: mouthClose undoes the gap of jawOpen exactly, lipsTogether that of a mouth which is open at rest, and
    mouthRollUpper presses them.

    No sound but p, b and m rolls the upper lip, so that f and v, which roll the lower one, still touch the teeth. The edges meet in
    depth as well: the soft edge of one lip must not come to lie before the other.
    """
    upper, lower = list(INNER_LIP_UPPER), list(INNER_LIP_LOWER)
    jaw, close = fit.deltas[CHANNEL_INDEX["jawOpen"]], fit.deltas[CHANNEL_INDEX["mouthClose"]]
    moved = jaw + close
    past = np.array([*(fit.down * LIP_OVERLAP * fit.pupil_distance), 0.0])
    gap = moved[lower] - moved[upper] + past
    spread_to_lip(fit, close, -gap * LOWER_LIP_SHARE, lower=True)
    spread_to_lip(fit, close, gap * (1 - LOWER_LIP_SHARE), lower=False)
    open_at_rest = fit.surface[lower] - fit.surface[upper]
    open_at_rest *= (open_at_rest[:, :2] @ fit.down > 0)[:, None]
    for name in ("mouthRollLower", "mouthRollUpper"):
        fit.deltas[CHANNEL_INDEX[name]] *= ROLL_SHARE
    pressed = np.tile(past / SEALED_ROLL, (len(lower), 1))
    for name, gap in (("lipsTogether", open_at_rest), ("mouthRollUpper", pressed)):
        shape = fit.deltas[RIG_CHANNELS.index(name)]
        spread_to_lip(fit, shape, -gap * LOWER_LIP_SHARE, lower=True)
        spread_to_lip(fit, shape, gap * (1 - LOWER_LIP_SHARE), lower=False)


def spread_to_lip(fit: Fit, deltas: np.ndarray, at_edge: np.ndarray, *, lower: bool) -> None:
    """Add offsets given at the inner lip edge (11, 3) to `deltas` (468, 3), fading over the lip and the skin behind it."""
    edge_names = list(INNER_LIP_LOWER if lower else INNER_LIP_UPPER)
    other_names = list(INNER_LIP_UPPER if lower else INNER_LIP_LOWER)
    edge = fit.surface[edge_names, :2]
    place = project_on(fit.surface[:, :2], edge)
    steps = np.arange(len(edge))
    foot = np.stack([np.interp(place, steps, edge[:, k]) for k in range(2)], axis=1)
    beyond = (fit.surface[:, :2] - foot) @ fit.down * (1 if lower else -1)
    distance = np.linalg.norm(fit.surface[:, :2] - foot, axis=1)
    share = np.exp(-((distance / (LIP_REACH * fit.pupil_distance)) ** 2)) * (beyond > -0.004 * fit.pupil_distance)
    share[other_names] = 0.0
    share[edge_names] = 1.0
    deltas += share[:, None] * np.stack([np.interp(place, steps, at_edge[:, k]) for k in range(3)], axis=1)
