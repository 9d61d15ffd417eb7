"""What is inside the mouth: the dental asset placed behind this face's lips, and teeth that the picture itself shows."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import cv2
import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from ...common.channels import RIG_CHANNELS
from .eyes import plain_part
from .fit import Fit, head_asset
from .lip_line import ALIKE, lip_likeness, look_around, sampled
from .portrait import Part
from .surface import uv_of
from .tone import Tone
from .tongue import tongue_shapes
from .topology import INNER_LIP_LOWER, INNER_LIP_UPPER

ASSET = Path(__file__).parents[1] / "assets" / "mouth.npz"
MM = 0.01
"""A millimetre in the asset's decimetres."""
PARTS = ("cavity", "tongue", "teeth_lower", "teeth_upper")
LIP_MIDDLE_UPPER = 13
MOUTH_CORNERS = (78, 308)
SHOWN_MM = (2.3, 3.4)
"""How far the upper front teeth reach below the upper lip: of relaxed men 1.9 mm in the mean, of women 3.4 (Vig & Brundo 1978, "The
kinetics of anterior tooth display"); at the least a quarter of the way between them. They stand behind the lips: a head taken to look
down by a few degrees too many would never show any."""
FRONT_TEETH_MM, FRONT_COLUMNS = 9.0, 13
"""From canine to canine they stand this far behind the foremost; the mouth's width is looked at in so many columns."""
MOST_TILT_DEG = 6.0
"""The row of teeth is turned in the picture as the mouth is, at most so far from how the head is: in a head turned to the side
half a row would hide behind the lip, which painters draw steeper than the eyes."""
FULLER, WIDEST_TOOTH_MM = 1.1, 15.0
"""Teeth are made this much wider; what is wider than the second is gum."""
WIDTH_LIMITS = (0.85, 1.2)
"""Teeth are at most this much narrower or wider than the head's size says."""
PLAIN_WHITE = np.array([200.0, 197.0, 196.0])
"""The white of an eye under the light for which the asset's colours were chosen, sRGB."""
GAIN_LIMITS = (0.3, 1.1)
LIGHT_REACH_MM = 17.0
"""Depth behind the front teeth at which the light inside a mouth has fallen to 1/e."""
LIGHT_LEFT = 0.1
"""Light that reaches every depth."""
DEEP_RED = np.array([0.9, 0.42, 0.36])
"""Light deep in the mouth has bounced off flesh and is red."""
BOUNCED = np.array([0.075, 0.034, 0.03])
"""What it leaves of the darkest depth, sRGB: a mouth that is open in a photograph is nearly black, and no hole."""
TONGUE_BACK, TONGUE_UNDER = np.array([0.72, 0.42, 0.405]), np.array([0.68, 0.35, 0.34])
"""Its upper side, with papillae, and the thin skin below, sRGB."""
GROOVE_MM, GROOVE_SHADE = 2.0, 0.2
TONGUE_HALF_MM, TONGUE_SIDES, SIDE_SHADE = 18.0, (0.45, 0.95), 0.6
"""Its half width, where in it its sides begin and end, and how much of their light teeth and cheeks beside them take: seen from the
side, a head that is turned in the picture, a tongue as bright as in its middle ended in a wall."""
TOOTH_SHADE = 0.6
"""Darkest a tooth gets beside its neighbour, of the median tooth: narrower gaps than the asset's would alias."""
SHOWN_ROWS, UPPER_LIP_ROW, CLEAR_ROW, LOWER_LIP_ROW = 8, 2, 3, 5
"""Of the rows of vertices in `shown_teeth`, which lie on the lips' edges and show them, and where the lower lip has surely ended."""
LIP_SHADOW = 0.15
"""The continuation under the lips repeats the colour found this share of the opening inside them: their shadow ends there."""
LIP_LEFT, MOST_LIP_LEFT = (0.1, 0.45), 0.03
"""Of the opening above the lower lip, least and most of what may still be lip, because the contour cuts a corner there; and most
in pupil distances."""
LIP_DEPTH = 0.03
"""What is surely lip: from its edge this far down, pupil distances."""
LOOKS = 24
"""Samples along each line across lip and opening."""
LIP_BEGINS = 0.3
"""Of the way from there to the lip: so quickly the teeth end when the lip has left."""
ENDS_ON_LIP = 4
"""Rows of vertices, of those in `shown_teeth`, that a lower lip which falls must not leave behind: it would as a line of lip."""
BENEATH_LIPS = (0.06, 0.014)
"""The picture's own teeth fade out this far under the upper and the lower lip, pupil distances: an upper lip that rises uncovers
teeth, a lower one that falls what is behind them."""


@functools.cache
def mouth_asset() -> dict[str, np.ndarray]:
    """The arrays of assets/mouth.npz (see training/build_mouth.py)."""
    with np.load(ASSET, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@functools.cache
def full_teeth(name: str) -> np.ndarray:
    """(V, 3) vertices of a row of teeth, each tooth FULLER along the row: the asset's have gaps that are seen as black bars."""
    asset = mouth_asset()
    vertices, triangles = asset[f"{name}/vertices"].astype(np.float64), asset[f"{name}/triangles"].astype(np.int64)
    _, same = np.unique(np.round(vertices, 4), axis=0, return_inverse=True)
    ends = same.reshape(-1)[triangles[:, [0, 1, 2, 1, 2, 0]]].reshape(-1, 2, 3).transpose(1, 0, 2).reshape(2, -1)
    joined = scipy.sparse.coo_matrix((np.ones(ends.shape[1]), ends), shape=(same.max() + 1,) * 2)
    _, tooth_of = scipy.sparse.csgraph.connected_components(joined, directed=False)
    tooth_of = tooth_of[same.reshape(-1)]
    back = vertices[:, 2].min()
    for tooth in range(tooth_of.max() + 1):
        its = tooth_of == tooth
        if np.ptp(vertices[its, 0]) > WIDEST_TOOTH_MM * MM:
            continue
        middle = vertices[its].mean(axis=0)
        along = np.array([middle[2] - back, 0.0, -middle[0]])
        along /= np.linalg.norm(along)
        vertices[its] += (FULLER - 1) * ((vertices[its] - middle) @ along)[:, None] * along
    return vertices


def mouth_parts(image: np.ndarray, fit: Fit, white_colour: np.ndarray, lips: tuple[np.ndarray, np.ndarray],
                tone: Tone) -> dict[str, Part]:
    """Cavity, tongue and teeth behind the lips, coloured for this picture's light.

    lips: the upper and the lower lip's edge at rest, (K, 3) each, corner to corner. white_colour: (3,) typical sRGB 0..255 of the
    eyes' white, the picture's own measure of white. tone: what the picture does to colours.
    """
    asset, head = mouth_asset(), head_asset()
    seam_dm = head["landmark_rest"][LIP_MIDDLE_UPPER].astype(np.float64)
    stretch = mouth_stretch(fit)
    tilt = mouth_tilt(fit)
    upper_middle = fit.surface[LIP_MIDDLE_UPPER].copy()
    front_teeth = fit.turn((front_of(full_teeth("teeth_upper")) - seam_dm) * (stretch, 1.0, 1.0)) @ tilt.T
    upper_middle += shown_below_lip(fit, upper_middle + front_teeth, lips[0])
    gap = fit.surface[list(INNER_LIP_LOWER)] - fit.surface[list(INNER_LIP_UPPER)]
    jaw_at_rest = np.array([*(np.median(gap[3:8, :2], axis=0)), 0.0])
    tint = colour_gain(image, fit, white_colour)
    parts = {}
    for name in PARTS:
        local = (full_teeth(name) if name.startswith("teeth") else asset[f"{name}/vertices"]) - seam_dm
        local = local.astype(np.float64) * (stretch, 1.0, 1.0)
        vertices = upper_middle + fit.turn(local) @ tilt.T
        if name in ("teeth_lower", "tongue"):
            vertices = vertices + jaw_at_rest
        colour = asset[f"{name}/colour"].astype(np.float32).copy()
        if name.startswith("teeth"):
            colour[:, :3] = soften_gaps(colour[:, :3])
        front_dm = float(asset["upper_incisal_edge"][2]) - seam_dm[2]
        depth_mm = (local[:, 2] - front_dm) / MM
        colour[:, :3] = tone.applied(tongue_colour(local, asset[f"{name}/normals"], depth_mm, tint) if name == "tongue" else
                                     light_inside(colour[:, :3], depth_mm, tint))
        count = len(vertices)
        parts[name] = Part(vertices.astype(np.float32), asset[f"{name}/triangles"].astype(np.int32), np.zeros((count, 2), np.float32),
                           colour, np.ones(count, np.float32), asset[f"{name}/delta_channel"].astype(np.uint8),
                           asset[f"{name}/delta_index"].astype(np.int32),
                           fit.turn(asset[f"{name}/delta_offset"].astype(np.float64)).astype(np.float32))
    shapes = tongue_shapes(asset["tongue/vertices"].astype(np.float64))
    give_shapes(parts["tongue"], {name: fit.turn(offset) for name, offset in shapes.items()})
    if not fit.lips_closed:
        parts["teeth_source"] = shown_teeth(image, fit, *lips)
    return parts


def mouth_tilt(fit: Fit) -> np.ndarray:
    """(3, 3) turn in the picture's plane that lays the asset's mouth along this face's, from corner to corner."""
    rest = head_asset()["landmark_rest"]
    here = fit.surface[MOUTH_CORNERS[1]] - fit.surface[MOUTH_CORNERS[0]]
    there = fit.turn((rest[MOUTH_CORNERS[1]] - rest[MOUTH_CORNERS[0]]).astype(np.float64))
    angle = np.arctan2(here[1], here[0]) - np.arctan2(there[1], there[0])
    most = np.radians(MOST_TILT_DEG)
    angle = np.clip((angle + np.pi) % (2 * np.pi) - np.pi, -most, most)
    return np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]])


def front_of(teeth_dm: np.ndarray) -> np.ndarray:
    """(N, 3) of a row of teeth (V, 3), asset coordinates, those from canine to canine."""
    return teeth_dm[teeth_dm[:, 2] > teeth_dm[:, 2].max() - FRONT_TEETH_MM * MM]


def shown_below_lip(fit: Fit, teeth: np.ndarray, lip: np.ndarray) -> np.ndarray:
    """(3,) pixels by which all that is in the mouth moves along the face, so that the front teeth are seen SHOWN_MM below the lip.

    teeth: (V, 3) the upper front ones in picture space; lip: (K, 3) the upper lip's edge, corner to corner.
    """
    across = np.array([fit.down[1], -fit.down[0]])
    order = np.argsort(lip[:, :2] @ across)
    lip_across, lip_down = (lip[order, :2] @ axis for axis in (across, fit.down))
    share = (teeth[:, :2] @ across - lip_across[0]) / max(float(np.ptp(lip_across)), 1.0)
    below = teeth[:, :2] @ fit.down - np.interp(teeth[:, :2] @ across, lip_across, lip_down)
    column = np.where((share > 0) & (share < 1), np.floor(share * FRONT_COLUMNS), -1)
    shown = float(np.median([below[column == k].max() for k in range(FRONT_COLUMNS) if (column == k).any()] or [0.0]))
    limits = fit.scale * MM * np.array(SHOWN_MM)
    return np.array([*fit.down, 0.0]) * (np.clip(shown, *limits) - shown)


def give_shapes(part: Part, shapes: dict[str, np.ndarray]) -> None:
    """Set what the named channels of RIG_CHANNELS do to a part: name -> (V, 3) pixels."""
    deltas = part.dense_deltas(len(RIG_CHANNELS))
    for name, offset in shapes.items():
        deltas[RIG_CHANNELS.index(name)] = offset
    part.set_deltas(deltas)


def soften_gaps(albedo: np.ndarray) -> np.ndarray:
    """(V, 3) colours with the darkest lines between teeth lifted."""
    level = albedo.mean(axis=1, keepdims=True)
    least = TOOTH_SHADE * np.median(level)
    return albedo * np.maximum(1.0, least / np.maximum(level, 1e-3))


def light_inside(albedo: np.ndarray, depth_mm: np.ndarray, tint: np.ndarray) -> np.ndarray:
    """(V, 3) colours 0..1 under this picture's light, which falls off and reddens behind the teeth. depth_mm (V,) < 0 inside."""
    light = light_share(depth_mm)[:, None]
    hue = DEEP_RED ** (1 - light)
    return np.clip(tint * (albedo * light * hue + BOUNCED * (1 - light)), 0, 1).astype(np.float32)


def light_share(depth_mm, reach_mm=LIGHT_REACH_MM):
    """Light 0..1 at a depth (< 0 behind the front teeth), falling to 1/e over `reach_mm`, of arrays or of tensors on any device."""
    return LIGHT_LEFT + (1 - LIGHT_LEFT) * math.e ** (depth_mm * (depth_mm < 0) / reach_mm)


def tongue_colour(vertices_dm: np.ndarray, normals: np.ndarray, depth_mm: np.ndarray, tint: np.ndarray) -> np.ndarray:
    """(V, 3) colours 0..1 of the tongue, whose back is paler than its underside, darker along its groove and dark beside the lower
    teeth. It goes out into the light: only its brightness, not its hue, is that of the place where it rests (render/mouthlight.py)."""
    above = np.clip(0.5 + normals[:, 1:2].astype(np.float64), 0, 1)
    albedo = TONGUE_UNDER + above * (TONGUE_BACK - TONGUE_UNDER)
    groove = np.exp(-(vertices_dm[:, :1] / (GROOVE_MM * MM)) ** 2)
    albedo = albedo * (1 - GROOVE_SHADE * above * groove)
    beside = (np.abs(vertices_dm[:, :1]) / (TONGUE_HALF_MM * MM) - TONGUE_SIDES[0]) / (TONGUE_SIDES[1] - TONGUE_SIDES[0])
    albedo = albedo * (1 - SIDE_SHADE * np.clip(beside, 0, 1))
    return np.clip(albedo * tint * light_share(depth_mm)[:, None], 0, 1).astype(np.float32)


def mouth_stretch(fit: Fit) -> float:
    """How much wider this mouth is than the asset's on a head of this size."""
    here = np.linalg.norm(fit.surface[MOUTH_CORNERS[1]] - fit.surface[MOUTH_CORNERS[0]])
    rest = head_asset()["landmark_rest"]
    there = np.linalg.norm(rest[MOUTH_CORNERS[1]] - rest[MOUTH_CORNERS[0]]) * fit.scale
    return float(np.clip(here / there, *WIDTH_LIMITS))


def colour_gain(image: np.ndarray, fit: Fit, white_colour: np.ndarray) -> np.ndarray:
    """(3,) factor for the asset's colours: the eyes' white against plain white, held between the skin's light and dark.

    In a small or painted eye the white may be only a dab of shadow; the brightest skin bounds it from below.
    """
    oval = cv2.convexHull(fit.surface[:, :2].astype(np.float32)).astype(np.int32)
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, oval, 1)
    skin = image[mask > 0].reshape(-1, 3)
    bright_skin = np.percentile(skin, 90, axis=0) if len(skin) else np.full(3, 180.0)
    white = np.maximum(white_colour, 0.8 * bright_skin.mean() * white_colour / max(white_colour.mean(), 1.0))
    return np.clip(white / PLAIN_WHITE, *GAIN_LIMITS)


def lip_left(image: np.ndarray, fit: Fit, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """(K,) of the opening above the lower lip's edge, the share that still has the lip's colours. Arguments as of `shown_teeth`."""
    lab = look_around(image, np.concatenate([upper, lower]), 2 * LIP_DEPTH * fit.pupil_distance)
    down = fit.down * LIP_DEPTH * fit.pupil_distance
    like = lip_likeness(sampled(lab, lower[:, :2], lower[:, :2] + down, 0.0, 1.0, LOOKS).reshape(-1, 3))
    lip = like(sampled(lab, lower[:, :2], upper[:, :2], 0.0, LIP_LEFT[1], LOOKS)) <= ALIKE
    left = LIP_LEFT[1] * np.where(lip.all(axis=1), 1.0, np.argmin(lip, axis=1) / LOOKS)
    left = cv2.blur(cv2.medianBlur(left.astype(np.float32)[:, None], 5), (1, 3))[:, 0]
    opening = np.linalg.norm(lower - upper, axis=1)
    return np.clip(left, LIP_LEFT[0], np.clip(MOST_LIP_LEFT * fit.pupil_distance / np.maximum(opening, 1e-3), *LIP_LEFT))


def shown_teeth(image: np.ndarray, fit: Fit, upper: np.ndarray, lower: np.ndarray) -> Part:
    """The picture between parted lips, fixed to the skull, fading out a little under the lips. Its last ENDS_ON_LIP rows lie on
    what has something of the lower lip in it.

    image: (H, W, 3); upper, lower: (K, 3) the lips' edges at rest, corner to corner.
    """
    count = len(upper)
    down = np.array([*fit.down, 0.0]) * fit.pupil_distance * np.sin(np.linspace(0, np.pi, count))[:, None]
    inside = LIP_SHADOW * (lower - upper)
    clear = lower - lip_left(image, fit, upper, lower)[:, None] * (lower - upper)
    ends = clear + LIP_BEGINS * (lower - clear)
    rows = (upper - BENEATH_LIPS[0] * down, upper + inside, 0.0), (upper, upper + inside, 1.0), (upper, upper, 1.0), \
        (clear, clear, 1.0), (ends, ends, 1.0), (lower, lower, 1.0), (lower, clear, 1.0), (lower + BENEATH_LIPS[1] * down, clear, 0.0)
    vertices, looked_up = (np.concatenate([row[k] for row in rows]) for k in (0, 1))
    alpha = np.concatenate([np.full(count, row[2]) for row in rows])
    corner = np.concatenate([band * count + np.arange(count - 1) for band in (0, 2, 3, 4, 6)])
    triangles = np.concatenate([np.stack([corner, corner + count, corner + 1], axis=1),
                                np.stack([corner + 1, corner + count, corner + count + 1], axis=1)])
    return plain_part(vertices - (0, 0, 0.01 * fit.pupil_distance), triangles, uv_of(looked_up, image.shape[1::-1]), alpha, "person")
