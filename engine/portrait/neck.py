"""What is seen where a chin slides over the neck: the neck behind the jaw, and the jaw before it.

The person is one surface, and between a chin and the neck far behind it that surface is a steep slope. Looking up draws it out, which
looks as skin does. Turning aside or down shears and folds it instead: a collar, a necklace or a beard's end is drawn along with the chin.
There the person opens along the jaw (`jaw_line.py`; render/neck_opening.py says how far) and two narrow parts are seen in its stead:
`neck` stays with the body and goes on behind the jaw with what the picture shows just below it; `jaw` is the picture itself
and goes with the head. With the head as the picture has it neither is drawn.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage

from .fit import Fit
from .jaw_line import JawLine, neck_depth
from .portrait import Part, facing_camera
from .surface import PersonSurface, neck_weights, uv_of
from .turned_away import TurnedAway

FURTHER = 0.4
"""The neck goes on so much further along the line than the person opens, pupil distances: the jaw slides past where it opens."""
NECK_REACH, BEHIND_ROWS = 0.6, (1.0, 0.75, 0.5, 0.33, 0.17, 0.08)
"""How far the neck goes on behind the jaw, pupil distances, and its rows there."""
SHOWN_SHARE = 0.25
"""What it shows there lies this share as far below the jaw: drawn out rather than mirrored, which would be a second chin."""
DOWN_FROM = 0.25
"""That is down along the neck, but nearer than this to the neck's outline, and less and less up to twice as far, straight outwards: what
lies aside of a neck is background, behind it as well; pupil distances."""
BEGINS = 0.03
"""Over so much along the line it begins at its outline, pupil distances; what the picture shows further below is there all along."""
CLEAN_ROWS = (0.0, 0.35, 0.7, 1.0)
"""Rows of the neck where the picture mixes it with the jaw."""
BELOW_ROWS = (0.15, 0.3, 0.45, 0.6)
"""Rows below that, pupil distances further out: by the last the neck lies as deep as the person's surface does, and is the same."""
JAW_ROWS = (-0.5, -0.4, -0.3, -0.2, -0.1, 0.0)
"""Rows of the jaw, pupil distances outside the line."""
JAW_FADES = 0.03
"""Beyond it the jaw fades over so much, pupil distances, and over what is mixed for want of an edge."""
EVEN_DEPTH = 9
"""The jaw's depth is the median of so many points of the line: the face's rim folds, and a fold would stand out as a spike."""
FEWEST_POINTS = 4
"""Of a line along which a person opens."""
NECK_COLUMNS, JAW_COLUMNS = len(BEHIND_ROWS) + len(CLEAN_ROWS) + len(BELOW_ROWS), len(JAW_ROWS) + 1
"""Vertices of each part beside one another at every point of the line, from inside outwards."""
NECK_ON_LINE, JAW_ON_LINE = len(BEHIND_ROWS), len(JAW_ROWS) - 1
"""Which of them lies on the line."""


def neck_parts(line: JawLine, fit: Fit, surface: PersonSurface, turned_away: TurnedAway) -> dict[str, Part]:
    """`neck` and `jaw`; none where the picture shows no jaw before a neck. The jaw's opacity on the line is how far the person may open there."""
    shown = np.flatnonzero(line.widened(FURTHER) > 0)
    if not len(shown):
        return {}
    line = line.between(max(shown[0] - 1, 0), shown[-1] + 2)
    return {"neck": _neck(line, fit, surface, turned_away), "jaw": _jaw(line, fit, surface, turned_away)}


def opens(parts: dict[str, Part]) -> bool:
    """Whether a portrait's parts hold both, with as many points of the line: a file may come from anywhere."""
    counts = [divmod(len(parts[name].vertices), columns) for name, columns in (("neck", NECK_COLUMNS), ("jaw", JAW_COLUMNS)) if name in parts]
    return len(counts) == 2 and counts[0] == counts[1] and counts[0][0] >= FEWEST_POINTS and counts[0][1] == 0


def _neck(line: JawLine, fit: Fit, surface: PersonSurface, turned_away: TurnedAway) -> Part:
    """The neck's sheet from behind the jaw to where the person's surface has come down to it."""
    pd = fit.pupil_distance
    mixed = line.mixed[:, None]
    behind = -np.clip(line.to_end, 0, NECK_REACH * pd)[:, None] * BEHIND_ROWS
    rows = np.concatenate([behind, mixed * CLEAN_ROWS, mixed + np.array(BELOW_ROWS) * pd], axis=1)
    places = line.sheet(rows, line.outward)
    depth, offsets = surface.look(places, beyond_face=True)
    below = np.maximum(rows - mixed, 0) / (BELOW_ROWS[-1] * pd)
    column = (line.share[:, None] * (1 - below)).ravel()
    at_rest, turned = (known + column * (neck_depth(fit, places) - known) for known in (turned_away.eased(places, depth), depth))
    alpha = np.where(rows < mixed, np.clip(line.to_end / (BEGINS * pd), 0, 1)[:, None], 1)
    part = _strip(places, at_rest, _seen_on_neck(line, fit, rows), alpha, neck_weights(fit, places), offsets, surface.size)
    part.deeper_turned_away = turned_away.deeper(at_rest, turned)
    return part


def _seen_on_neck(line: JawLine, fit: Fit, rows: np.ndarray) -> np.ndarray:
    """(K * R, 2) which places of the picture the neck shows at `rows` (K, R) px outside the line: where it is mixed with the jaw, and
    behind that, what lies a share as far below."""
    mixed = line.mixed[:, None]
    downward = line.outward + np.clip(line.to_end / (DOWN_FROM * fit.pupil_distance) - 1, 0, 1)[:, None] * fit.down
    downward /= np.maximum(np.linalg.norm(downward, axis=1, keepdims=True), 1e-6)
    downward /= np.maximum((downward * line.outward).sum(axis=1, keepdims=True), 0.5)
    drawn_out = line.sheet(mixed + SHOWN_SHARE * (mixed - rows), downward)
    return np.where((rows > mixed).reshape(-1, 1), line.sheet(rows, line.outward), drawn_out)


def _jaw(line: JawLine, fit: Fit, surface: PersonSurface, turned_away: TurnedAway) -> Part:
    """The jaw's sheet, the picture itself, from under the face to a little below the line."""
    pd = fit.pupil_distance
    faded = line.fuzz[:, None] + JAW_FADES * pd
    rows = np.concatenate([np.broadcast_to(np.array(JAW_ROWS) * pd, (len(faded), len(JAW_ROWS))), faded], axis=1)
    alpha = line.share[:, None] * np.ones_like(rows)
    alpha[:, -1] = 0
    places = line.sheet(rows, line.outward)
    depth, offsets = surface.look(places)
    shallow = surface.shallow(places)
    at_rest, turned = (_even_depth(line, known, shallow) for known in (turned_away.eased(places, depth), depth))
    part = _strip(places, at_rest, places, alpha, np.ones(len(places)), offsets, surface.size)
    part.deeper_turned_away = turned_away.deeper(at_rest, turned)
    return part


def _even_depth(line: JawLine, depth: np.ndarray, shallow: np.ndarray) -> np.ndarray:
    """(K * R,) depth of a jaw whose surface lies at `depth`, a beard at the least as near as `shallow`, both (K * R,)."""
    shape = (len(line.share), -1)
    raised = depth.reshape(shape) + line.share[:, None] * np.maximum(shallow - depth, 0).reshape(shape)
    return scipy.ndimage.median_filter(raised, (EVEN_DEPTH, 1), mode="nearest").ravel()


def _strip(places: np.ndarray, depth: np.ndarray, seen: np.ndarray, alpha: np.ndarray, head_weight: np.ndarray, offsets: np.ndarray,
           size: tuple[int, int]) -> Part:
    """A part along the line: `alpha` (K, R) of its points, whose places (K * R, 2), depth, what they show (K * R, 2), weights and
    offsets (RIG_CHANNELS, K * R, 3) are given row after row."""
    count, rows = alpha.shape
    first = (np.arange(count - 1)[:, None] * rows + np.arange(rows - 1)).ravel()
    triangles = np.concatenate([np.stack(corners, axis=1) for corners in (
        (first, first + 1, first + rows), (first + 1, first + rows + 1, first + rows))])
    colour = np.ones((count * rows, 4), np.float32)
    colour[:, 3] = alpha.ravel()
    part = Part(np.concatenate([places, depth[:, None]], axis=1).astype(np.float32), facing_camera(places, triangles), uv_of(seen, size),
                colour, head_weight.astype(np.float32), np.zeros(0, np.uint8), np.zeros(0, np.int32), np.zeros((0, 3), np.float32), "person")
    part.set_deltas(offsets, smallest_px=0.02)
    return part
