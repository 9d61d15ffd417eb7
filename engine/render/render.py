"""`render`: a portrait and a clip become frames, one after another, without ever holding them all."""

from __future__ import annotations

import dataclasses
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from ..device import chosen_device
from ..errors import InputError
from ..motion.clip import MotionClip
from ..portrait.portrait import PART_NAMES, Portrait
from ..portrait.settings import shown_parts
from ..progress import Progress, silent
from .chin import ChinShadow
from .light import FaceLight
from .lidshadow import LidShadow
from .mouthlight import TONGUE_OUT, behind_pout
from .pose import PosedFrame, Poser, beneath_far_side
from .raster import EMPTY, EVERYWHERE, FINE, folds, lay_over, shade, shade_folds, straighten, visibility
from .seam import LipSeam
from .threads import tensors_on_one_thread

BATCH = 8
"""Frames posed together."""
LARGEST_SIDE_PX = 8192
SHARE_THE_MATTE = ("person", "face")
"""Parts whose texture carries the person's matte."""
SKIN = ("face", "far_side", "lid_left", "lid_right")
INTERIOR = ("cavity", "tongue", "teeth_lower", "teeth_upper")
APERTURE_PARTS = {"eye_left": (("eye_left",), ("iris_left",), ("glint_left",)),
                  "eye_right": (("eye_right",), ("iris_right",), ("glint_right",)),
                  "mouth": (INTERIOR, ("teeth_source",))}
"""What is seen through each hole of the face, back to front; parts in one group hide one another by depth."""
FAR_SIDE_BEFORE_M = 0.003
"""The far cheek's fill is drawn this much before the face: more than the squeezed surface folds, less than a nose stands out."""
LIFTED = {"far_side", "lid_left", "lid_right"}
"""So are the lids where there is such a fill, or it would cover them, unseen at rest as it is."""
LIP_SHADOW_M = 0.0035
LIP_SHADOW_LEAST = 0.4
"""Just behind the lips the light is down to this; it is full again LIP_SHADOW_M further in."""
LIP_SHADOW_LEAST_M = 0.0008
"""... or in the middle of a narrow opening, which shows the teeth right behind it; one narrower than twice this stays dark."""


def render(portrait: Portrait, clip: MotionClip, *, size: tuple[int, int] | None = None, alpha: bool = False,
           progress: Progress = silent) -> Iterator[np.ndarray]:
    """Yield every frame of `clip` as (height, width, 3) uint8 RGB, or with `alpha` (height, width, 4) straight RGBA.

    size: (width, height) of the frames, default the picture's own; the whole picture is fitted inside, centred, at its own
    proportions, and its plate's border continued. Raises InputError; `progress` may raise Cancelled.
    """
    stage = Stage(portrait, size, alpha)
    poser = Poser(portrait, chosen_device())
    total = len(clip)
    workers = max(1, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool, tensors_on_one_thread():
        waiting: deque = deque()
        done = 0
        try:
            for start in range(0, total, BATCH):
                for posed in poser.pose(clip, start, min(start + BATCH, total)):
                    waiting.append(pool.submit(stage.draw, posed))
                while waiting and (len(waiting) > BATCH or start + BATCH >= total):
                    frame = waiting.popleft().result()
                    done += 1
                    progress("render", done, total)
                    yield frame
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # whoever stops us does not wait for frames that nobody will see


def fit_inside(source: tuple[int, int], target: tuple[int, int]) -> tuple[float, float, float]:
    """(scale, left, top) that put a picture `source` (width, height) centred inside `target`."""
    scale = min(target[0] / source[0], target[1] / source[1])
    return scale, (target[0] - source[0] * scale) / 2, (target[1] - source[1] * scale) / 2


HALO_REACH_M = 0.0006
"""The edge that the picture itself shows around the person stays until the person has moved this far beside it."""


def over(front: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Premultiplied `front` laid over premultiplied `back`, (h, w, 4) each."""
    return front + back * (1 - front[..., 3:])


class Stage:
    """A portrait made ready for one frame size: textures resized once, so that sampling neither blurs nor aliases."""

    def __init__(self, portrait: Portrait, size: tuple[int, int] | None, alpha: bool):
        size = size or portrait.size
        if min(size) < 16 or max(size) > LARGEST_SIDE_PX:
            raise InputError(f"Frames of {size[0]} x {size[1]} cannot be made; each side must have 16 to {LARGEST_SIDE_PX} pixels.")
        self.size, self.alpha = size, alpha
        self.scale, self.left, self.top = fit_inside(portrait.size, size)
        parts = shown_parts(portrait)
        self.parts = {name: parts[name] for name in PART_NAMES if name in parts}
        self.textures = {name: self._texture(portrait.images[name]) for name in portrait.images if name != "plate"}
        self.pixels_per_metre = portrait.units_per_metre * self.scale
        self.apertures = portrait.apertures
        self.texel_uv = {name: self._texel_uv(part) for name, part in self.parts.items()}
        self.plate = self._plate(portrait.images["plate"])
        self.light, self.seam = FaceLight(portrait), LipSeam(portrait)
        self.chin = ChinShadow(portrait, self.light.from_above)
        self.lid_shadow = LidShadow(portrait)
        if "far_side" in self.parts:
            self.beneath_far_side = beneath_far_side(portrait)
        self.halo_seen = None if alpha else self._see_halo()

    def _texture(self, image: np.ndarray) -> np.ndarray:
        """(h, w, 4) uint8 RGBA at the frame's scale. A channel at a time: an 8K picture at once would take a gigabyte more."""
        if self.scale < 0.95:
            size = tuple(max(1, round(side * self.scale)) for side in image.shape[1::-1])
            alpha = image[..., 3] if image.shape[2] == 4 else np.full(image.shape[:2], 255, np.uint8)
            small = np.empty((size[1], size[0], 4), np.float32)
            small[..., 3] = cv2.resize(alpha.astype(np.float32), size, interpolation=cv2.INTER_AREA)
            for channel in range(3):
                weighted = np.multiply(image[..., channel], alpha, dtype=np.float32)
                small[..., channel] = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
            small[..., :3] /= np.maximum(small[..., 3:], 1e-3)
            return np.clip(np.rint(small), 0, 255).astype(np.uint8)
        if image.shape[2] == 3:
            image = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
        return np.ascontiguousarray(image)

    def _texel_uv(self, part) -> np.ndarray:
        """uv 0..1 -> texels, with texel centres at integers."""
        if not part.texture:
            return np.zeros_like(part.uv)
        height, width = self.textures[part.texture].shape[:2]
        return np.ascontiguousarray(part.uv * np.float32((width, height)) - np.float32(0.5))

    def _plate(self, image: np.ndarray) -> np.ndarray:
        """The clean plate at frame size, premultiplied RGBA float; empty when alpha is asked for."""
        width, height = self.size
        if self.alpha:
            return np.zeros((height, width, 4), np.float32)
        matrix = np.float64([[self.scale, 0, self.left + 0.5 * self.scale - 0.5], [0, self.scale, self.top + 0.5 * self.scale - 0.5]])
        if self.scale < 1:
            scaled = (max(1, round(image.shape[1] * self.scale)), max(1, round(image.shape[0] * self.scale)))
            small = cv2.resize(image, scaled, interpolation=cv2.INTER_AREA)
            fill_x, fill_y = scaled[0] / image.shape[1], scaled[1] / image.shape[0]
            matrix = np.float64([[self.scale / fill_x, 0, self.left], [0, self.scale / fill_y, self.top]])
            image = small
        plate = cv2.warpAffine(image, matrix, self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.dstack([plate.astype(np.float32), np.ones((height, width), np.float32)])

    def _see_halo(self) -> tuple[np.ndarray, np.ndarray]:
        """Which pixels the resting person's edge occupies; it does not move, so this is found once."""
        person, texture = self.parts["person"], self.textures["halo"]
        shape = self.plate.shape[:2]
        index, bary = np.full(shape, EMPTY, np.int32), np.empty((*shape, 2), np.float32)
        visibility(self.to_frame(person.vertices), person.triangles, self.texel_uv["person"], texture[..., 3], EVERYWHERE,
                   np.full(shape, -np.inf, np.float32), index, bary, 0, 0)
        return index, bary

    def _draw_halo(self, frame: np.ndarray, posed: PosedFrame) -> None:
        """Lay the picture's own edge over the plate where the person still is where it was."""
        person = self.parts["person"]
        moved_m = np.linalg.norm(posed.vertices["person"] - person.vertices, axis=1) * self.scale / self.pixels_per_metre
        colour = np.ones((len(moved_m), 4), np.float32)
        colour[:, 3] = np.clip(1.5 - moved_m / HALO_REACH_M, 0, 1)
        if colour[:, 3].any():
            shade(person.triangles, self.texel_uv["person"], colour, self.textures["halo"], *self.halo_seen, EVERYWHERE, False, frame)

    def draw(self, posed: PosedFrame) -> np.ndarray:
        """One frame (height, width, 3 or 4) uint8."""
        frame = np.zeros_like(self.plate)
        placed = {name: self.to_frame(vertices) for name, vertices in posed.vertices.items() if name in self.parts}
        self._draw_together(frame, ["person"], placed, {"person": self._shaded_neck(posed)})
        shaded = self.lid_shadow.colours(posed.vertices)
        shaded |= {name: posed.colour[name] for name in ("cavity", "tongue") if name in posed.colour}
        if "teeth_source" in self.parts:
            seen = (posed.vertices[name] for name in ("teeth_source", "face"))
            shaded["teeth_source"] = self.seam.left_behind(self.parts["teeth_source"], *seen)
        shaded |= behind_pout({name: part.colour for name, part in self.parts.items()} | shaded, posed.channels)
        texel_uv = self._texel_uv_now(placed)
        for aperture, groups in APERTURE_PARTS.items():
            self._draw_through(frame, aperture, groups, placed, shaded, texel_uv)
        lit = {"face": self._lit(posed)}
        if "far_side" in self.parts:
            lit["far_side"] = self._lit_far_side(posed, lit["face"])
            for name in LIFTED & placed.keys():
                placed[name][:, 2] += FAR_SIDE_BEFORE_M * self.pixels_per_metre
        before_lips = ("tongue",) if TONGUE_OUT in posed.colour else ()
        lit |= {name: posed.colour[TONGUE_OUT] for name in before_lips}
        self._draw_together(frame, [name for name in (*SKIN, *before_lips) if name in placed], placed, lit)
        picture = np.empty((*frame.shape[:2], 4 if self.alpha else 3), np.uint8)
        if self.alpha:
            straighten(frame, picture)
        else:
            behind = self.plate.copy()
            self._draw_halo(behind, posed)
            lay_over(frame, behind, picture)
        return picture

    def _texel_uv_now(self, placed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Texels of every part's vertices; those of the picture's own teeth as far as the upper lip uncovers them."""
        if "teeth_source" not in self.parts:
            return self.texel_uv
        teeth = self.parts["teeth_source"]
        uncovered = dataclasses.replace(teeth, uv=self.seam.uncovered(teeth, placed["teeth_source"], placed["face"]))
        return self.texel_uv | {"teeth_source": self._texel_uv(uncovered)}

    def _shaded_neck(self, posed: PosedFrame) -> np.ndarray:
        """(P, 4) colour of the person with the chin's shadow where the chin is now."""
        colour = self.parts["person"].colour.copy()
        colour[self.chin.neck, :3] *= self.chin.factor(posed.vertices["person"], posed.vertices["face"])[:, None]
        return colour

    def _lit(self, posed: PosedFrame) -> np.ndarray:
        """(V, 4) colour of the face under the picture's light as it is turned now."""
        lit = posed.colour["face"].copy()
        lit[self.seam.rim, :3] *= self.seam.factor(posed.vertices["face"])
        if self.light.is_on:
            lit[:, :3] *= self.light.factor(posed.vertices["face"], posed.channels)[:, None]
        return lit

    def _lit_far_side(self, posed: PosedFrame, face_colour: np.ndarray) -> np.ndarray:
        """(F, 4) colour of the far side's fill under the light that the face beneath it has."""
        lit = posed.colour["far_side"].copy()
        lit[:, :3] *= face_colour[self.beneath_far_side, :3]
        return lit

    def to_frame(self, vertices: np.ndarray) -> np.ndarray:
        """Picture space -> pixels of the frame (pixel centres at integers)."""
        moved = vertices * np.float32(self.scale)
        moved[:, 0] += np.float32(self.left + 0.5 * self.scale - 0.5)
        moved[:, 1] += np.float32(self.top + 0.5 * self.scale - 0.5)
        return np.ascontiguousarray(moved, np.float32)

    def _draw_through(self, frame: np.ndarray, aperture: str, groups, placed: dict[str, np.ndarray],
                      colours: dict[str, np.ndarray], texel_uv: dict[str, np.ndarray]) -> None:
        """Draw groups of parts into a hole of the face and nowhere else."""
        rim = placed["face"][self.apertures[aperture], :2]
        left, top = np.maximum(np.floor(rim.min(axis=0)).astype(int) - 1, 0)
        right, bottom = np.minimum(np.ceil(rim.max(axis=0)).astype(int) + 2, self.size)
        if right <= left or bottom <= top:
            return
        hole = np.zeros(((bottom - top) * FINE, (right - left) * FINE), np.uint8)
        outline = ((rim - (left, top) + 0.5) * FINE - 0.5) * 16
        cv2.fillPoly(hole, [np.rint(outline).astype(np.int32)], 255, shift=4)
        hole = cv2.dilate(hole, np.ones((3, 3), np.uint8))
        corner = np.float32((left, top, 0))
        inside = np.zeros((bottom - top, right - left, 4), np.float32)
        for names in groups:
            moved = {name: placed[name] - corner for name in names if name in placed}
            if names == INTERIOR:
                inside = over(self._draw_interior(moved, hole, colours), inside)
            else:
                self._draw_together(inside, list(moved), moved, colours, texel_uv)
        inside *= cv2.resize(hole, (right - left, bottom - top), interpolation=cv2.INTER_AREA)[..., None] / np.float32(255)
        frame[top:bottom, left:right] = over(inside, frame[top:bottom, left:right])

    def _draw_interior(self, placed: dict[str, np.ndarray], hole: np.ndarray, colours: dict[str, np.ndarray]) -> np.ndarray:
        """(h, w, 4) premultiplied: the mouth's inside, drawn finer than the frame, in the shadow of the lips."""
        centre = np.float32((0.5, 0.5, 0))
        finer = {name: (vertices + centre) * np.float32(FINE) - centre for name, vertices in placed.items()}
        fine = np.zeros((*hole.shape, 4), np.float32)
        self._draw_together(fine, list(finer), finer, colours)
        fine[..., :3] *= self._lip_shadow(hole)[..., None]
        return cv2.resize(fine, (hole.shape[1] // FINE, hole.shape[0] // FINE), interpolation=cv2.INTER_AREA)

    def _lip_shadow(self, hole: np.ndarray) -> np.ndarray:
        """(h, w) light 0..1 behind the lips, from the distance to the rim of `hole` in fine pixels."""
        inward = cv2.distanceTransform(hole, cv2.DIST_L2, 3)
        per_metre = self.pixels_per_metre * FINE
        reach = np.clip(inward.max(), LIP_SHADOW_LEAST_M * per_metre, LIP_SHADOW_M * per_metre)
        return LIP_SHADOW_LEAST + (1 - LIP_SHADOW_LEAST) * np.minimum(inward / max(reach, 1.0), 1.0)

    def _draw_together(self, frame: np.ndarray, names: list[str], placed: dict[str, np.ndarray], colours: dict[str, np.ndarray],
                       texel_uv: dict[str, np.ndarray] | None = None) -> None:
        """Draw parts that hide one another by depth into `frame`. texel_uv: where their texels are, if not where they are at rest."""
        if not names:
            return
        size = frame.shape[1::-1]
        every = np.concatenate([placed[name] for name in names])
        left, top = np.clip(np.floor(every[:, :2].min(axis=0)).astype(int), 0, size)
        right, bottom = np.clip(np.ceil(every[:, :2].max(axis=0)).astype(int) + 1, 0, size)
        if right <= left or bottom <= top:
            return
        window = frame[top:bottom, left:right]
        depth = np.full(window.shape[:2], -np.inf, np.float32)
        for name in names:
            part = self.parts[name]
            texture = self.textures[part.texture] if part.texture else np.zeros((0, 0, 4), np.uint8)
            uv = (texel_uv or self.texel_uv)[name]
            self._draw_part(window, depth, left, top, placed[name], part, uv, colours.get(name, part.colour), texture,
                            name in SHARE_THE_MATTE)

    @staticmethod
    def _draw_part(window, depth, left, top, vertices, part, uv, colour, texture, replace) -> None:
        """Draw one part into a window of the frame at (left, top), sharing its depth (h, w) with what hides it."""
        shape = window.shape[:2]
        index, bary = np.full(shape, EMPTY, np.int32), np.empty((*shape, 2), np.float32)
        visibility(vertices, part.triangles, uv, texture[..., 3], EVERYWHERE, depth, index, bary, left, top)
        marked = np.zeros(shape, np.uint8)
        if not part.texture or folds(part.triangles, uv, index, bary, marked) == 0:
            shade(part.triangles, uv, colour, texture, index, bary, EVERYWHERE, replace, window)
            return
        shade(part.triangles, uv, colour, texture, index, bary, marked, replace, window)
        fine_shape = (shape[0] * FINE, shape[1] * FINE)
        fine_depth = np.full(fine_shape, -np.inf, np.float32)
        fine_index, fine_bary = np.full(fine_shape, EMPTY, np.int32), np.empty((*fine_shape, 2), np.float32)
        finer = ((vertices - np.float32((left - 0.5, top - 0.5, 0))) * np.float32(FINE) - np.float32((0.5, 0.5, 0)))
        visibility(finer, part.triangles, uv, texture[..., 3], marked, fine_depth, fine_index, fine_bary, 0, 0)
        shade_folds(part.triangles, uv, colour, texture, fine_index, fine_bary, marked, replace, window)
