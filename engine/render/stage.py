"""A portrait made ready for one frame size, and every frame's parts made ready to be drawn: what all ways of drawing share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ..errors import InputError
from ..portrait.neck import opens
from ..portrait.portrait import PART_NAMES, Part, Portrait
from ..portrait.settings import shown_parts
from .chin import ChinShadow
from .lidshadow import LidShadow
from .light import FaceLight
from .mouthlight import TONGUE_OUT, behind_pout
from .neck_opening import BEHIND_M, SOON, NeckOpening
from .pose import PosedBatch, beneath_far_side, beneath_glasses
from .raster import EMPTY, EVERYWHERE, FINE, WITHIN_MATTE_TEXELS, visibility
from .seam import LipSeam

LARGEST_SIDE_PX = 8192
SHARE_THE_MATTE = ("neck", "person", "jaw", "face")
"""Parts whose texture carries the person's matte."""
BODY = ("neck", "person", "jaw")
"""What is drawn first, each over the one before."""
SEEN_IN_OPENING = ("neck", "jaw")
IN_CHIN_SHADOW = ("person", "neck")
SKIN = ("face", "far_side", "lid_left", "lid_right", "glasses", TONGUE_OUT)
"""What is drawn over the holes, in this order, hiding one another by depth; the tongue only where it is before the teeth."""
INTERIOR = ("cavity", "tongue", "teeth_lower", "teeth_upper")
APERTURE_PARTS = {"eye_left": (("eye_left",), ("iris_left",), ("glint_left",)),
                  "eye_right": (("eye_right",), ("iris_right",), ("glint_right",)),
                  "mouth": (INTERIOR, ("teeth_source",))}
"""What is seen through each hole of the face, back to front; parts in one group hide one another by depth."""
FAR_SIDE_BEFORE_M = 0.003
"""The far cheek's fill is drawn this much before the face: more than the squeezed surface folds, less than a nose stands out."""
LIFTED = {"far_side", "lid_left", "lid_right"}
"""So are the lids where there is such a fill, or it would cover them, unseen at rest as it is."""
GIVEN_WAY_BY_M = -0.05
"""What of the face has given way to that fill lies so far behind: unseen along a fold, it hid the fill behind it."""
GLASSES_BEFORE_M = 0.01
"""A frame is drawn this much before the skin on which the picture shows it: more than a lid that closes behind it stands out."""
LIP_SHADOW_M = 0.0035
LIP_SHADOW_LEAST = 0.4
"""Just behind the lips the light is down to this; it is full again LIP_SHADOW_M further in."""
LIP_SHADOW_LEAST_M = 0.0008
"""... or in the middle of a narrow opening, which shows the teeth right behind it; one narrower than twice this stays dark."""
LEAST_OPENING = 0.004
"""Less than this of a neck would not change a byte."""
HALO_REACH_M = 0.0006
"""The edge that the picture itself shows around the person stays until the person has moved this far beside it."""


def fit_inside(source: tuple[int, int], target: tuple[int, int]) -> tuple[float, float, float]:
    """(scale, left, top) that put a picture `source` (width, height) centred inside `target`."""
    scale = min(target[0] / source[0], target[1] / source[1])
    return scale, (target[0] - source[0] * scale) / 2, (target[1] - source[1] * scale) / 2


@dataclass
class Dressed:
    """One frame's layers, ready to be drawn. A layer is a part, or TONGUE_OUT: the tongue again, before the lips.

    vertices: layer -> (V, 3) float32 pixels of the frame, z towards the camera; colour: layer -> (V, 4) float32; texels: layer ->
    (V, 2) float32, where its texture's texels are now; halo: (P,) 0..1, how far the person's vertices are where the picture has them.
    """

    vertices: dict[str, np.ndarray]
    colour: dict[str, np.ndarray]
    texels: dict[str, np.ndarray]
    halo: np.ndarray


@dataclass
class DressedBatch:
    """B frames' layers on the device: what a Dressed holds, (B, ...) each."""

    vertices: dict[str, torch.Tensor]
    colour: dict[str, torch.Tensor]
    texels: dict[str, torch.Tensor]
    halo: torch.Tensor

    def __len__(self) -> int:
        return len(self.halo)

    def frames(self) -> Iterator[Dressed]:
        """Each frame by itself, in the processor's memory."""
        vertices, colour, texels = ({name: known.cpu().numpy() for name, known in group.items()}
                                    for group in (self.vertices, self.colour, self.texels))
        for frame, halo in enumerate(self.halo.cpu().numpy()):
            yield Dressed(*({name: np.ascontiguousarray(known[frame]) for name, known in group.items()}
                            for group in (vertices, colour, texels)), halo)


@dataclass
class Hole:
    """A hole of the face in one frame.

    left, top: its window's corner, pixels; share: (h, w) float32 0..1 of each pixel; light: (h * FINE, w * FINE) 0..1 that the
    lips leave to what is behind them, of the mouth.
    """

    left: int
    top: int
    share: np.ndarray
    light: np.ndarray | None


@dataclass(frozen=True)
class HaloSeen:
    """The pixels of a frame that the resting person's edge has, by rows: pixels (N,) int64 counted through the frame, index (N,) int32
    the triangle of each, bary (N, 2) float32 where in it. An edge has a small share of a frame's pixels."""

    pixels: np.ndarray
    index: np.ndarray
    bary: np.ndarray

    def dense(self, top: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Triangle (height, width), EMPTY where there is no edge, and place in it (height, width, 2), of the frame's rows from `top`."""
        index, bary = np.full((height, width), EMPTY, np.int32), np.empty((height, width, 2), np.float32)
        rows = slice(*np.searchsorted(self.pixels, (top * width, (top + height) * width)))
        there = self.pixels[rows] - top * width
        index.flat[there], bary.reshape(-1, 2)[there] = self.index[rows], self.bary[rows]
        return index, bary


class Stage:
    """A portrait made ready for one frame size: textures resized once, so that sampling neither blurs nor aliases."""

    def __init__(self, portrait: Portrait, size: tuple[int, int] | None, alpha: bool, device: torch.device | None = None):
        """device: where frames are dressed, the processor by default."""
        size = size or portrait.size
        if min(size) < 16 or max(size) > LARGEST_SIDE_PX:
            raise InputError(f"Frames of {size[0]} x {size[1]} cannot be made; each side must have 16 to {LARGEST_SIDE_PX} pixels.")
        self.size, self.alpha = size, alpha
        self.source_size = portrait.size
        self.scale, self.left, self.top = fit_inside(portrait.size, size)
        parts = shown_parts(portrait)
        opening = opens(parts)
        self.parts = {name: parts[name] for name in PART_NAMES if name in parts and (opening or name not in SEEN_IN_OPENING)}
        self.textures = {name: self._texture(portrait.images[name]) for name in portrait.images if name != "plate"}
        opaque = (self.textures["person"][..., 3] == 255).astype(np.uint8)
        self.within_matte = cv2.erode(opaque, np.ones((2 * WITHIN_MATTE_TEXELS + 1,) * 2, np.uint8))
        self.pixels_per_metre = portrait.units_per_metre * self.scale
        self.apertures = portrait.apertures
        self.texels = {layer: self._texels(self.part(layer)) for layer in (*self.parts, *({TONGUE_OUT} if "tongue" in self.parts else ()))}
        self.plate = None if alpha else self._plate(portrait.images["plate"])
        self.inside = None if alpha else self._inside_border(portrait)
        self.light, self.seam = FaceLight(portrait, device), LipSeam(portrait, device)
        self.chin = {name: ChinShadow(portrait, self.light.from_above, device, name) for name in IN_CHIN_SHADOW if name in self.parts}
        self.opening = NeckOpening(portrait, device) if opening else None
        self.lid_shadow = LidShadow(portrait, device)
        if "far_side" in self.parts:
            self.beneath_far_side = torch.from_numpy(beneath_far_side(portrait)).to(device)
        if "glasses" in self.parts:
            self.beneath_glasses = torch.from_numpy(beneath_glasses(portrait)).to(device)
        self._colour = {name: torch.from_numpy(part.colour).to(device) for name, part in self.parts.items()}
        self._texels_at_rest = {name: torch.from_numpy(texels).to(device) for name, texels in self.texels.items()}
        self._person_at_rest = torch.from_numpy(self.parts["person"].vertices).to(device)
        corner = [self.left + 0.5 * self.scale - 0.5, self.top + 0.5 * self.scale - 0.5, 0.0]
        self._corner = torch.tensor(corner, dtype=torch.float32, device=device)
        self.halo_seen = None if alpha else self._see_halo()

    def part(self, layer: str) -> Part:
        """The part that a layer draws."""
        return self.parts["tongue" if layer == TONGUE_OUT else layer]

    def _texture(self, image: np.ndarray) -> np.ndarray:
        """(h, w, 4) uint8 RGBA at the frame's scale. A channel at a time: an 8K picture at once would take a gigabyte more."""
        if self.scale < 0.95:
            size = tuple(max(1, round(side * self.scale)) for side in image.shape[1::-1])
            alpha = image[..., 3] if image.shape[2] == 4 else np.full(image.shape[:2], 255, np.uint8)
            share = cv2.resize(alpha.astype(np.float32), size, interpolation=cv2.INTER_AREA)
            small = np.empty((size[1], size[0], 4), np.uint8)
            small[..., 3] = np.rint(share)
            np.maximum(share, 1e-3, out=share)
            for channel in range(3):
                colour = cv2.resize(np.multiply(image[..., channel], alpha, dtype=np.float32), size, interpolation=cv2.INTER_AREA)
                small[..., channel] = np.clip(np.rint(colour / share), 0, 255)
            return small
        if image.shape[2] == 3:
            image = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
        return np.ascontiguousarray(image)

    def _texels(self, part: Part) -> np.ndarray:
        """uv 0..1 -> texels, with texel centres at integers."""
        if not part.texture:
            return np.zeros_like(part.uv)
        height, width = self.textures[part.texture].shape[:2]
        return np.ascontiguousarray(part.uv * np.float32((width, height)) - np.float32(0.5))

    def _plate(self, image: np.ndarray) -> np.ndarray:
        """(height, width, 3) uint8: the clean plate at frame size."""
        matrix = np.float64([[self.scale, 0, self.left + 0.5 * self.scale - 0.5], [0, self.scale, self.top + 0.5 * self.scale - 0.5]])
        if self.scale < 1:
            scaled = (max(1, round(image.shape[1] * self.scale)), max(1, round(image.shape[0] * self.scale)))
            small = cv2.resize(image, scaled, interpolation=cv2.INTER_AREA)
            fill_x, fill_y = scaled[0] / image.shape[1], scaled[1] / image.shape[0]
            matrix = np.float64([[self.scale / fill_x, 0, self.left], [0, self.scale / fill_y, self.top]])
            image = small
        return cv2.warpAffine(image, matrix, self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def _inside_border(self, portrait: Portrait) -> np.ndarray | None:
        """(h, w, 1) how much of each pixel lies within the border that the scan has, where the person ends; None without a border."""
        if not any(portrait.border_px):
            return None
        left, top, right, bottom = portrait.border_px
        across, down = (self._share_between(side, before, after) for side, before, after in ((0, left, right), (1, top, bottom)))
        return (down[:, None, None] * across[None, :, None]).astype(np.float32)

    def _share_between(self, side: int, before: int, after: int) -> np.ndarray:
        """Of each pixel along the frame's width (side 0) or height (1), what lies between borders so wide (pixels of the picture)."""
        first, extent = (self.left, self.top)[side], self.source_size[side] * self.scale
        start = first + before * self.scale if before else -np.inf
        stop = first + extent - after * self.scale if after else np.inf
        return np.diff(np.clip(np.arange(self.size[side] + 1), start, stop))

    def _see_halo(self) -> HaloSeen:
        """Which pixels the resting person's edge occupies; it does not move, so this is found once."""
        person, texture = self.parts["person"], self.textures["halo"]
        shape = self.size[::-1]
        index, bary = np.full(shape, EMPTY, np.int32), np.empty((*shape, 2), np.float32)
        visibility(self.to_frame(self._person_at_rest).cpu().numpy(), person.triangles, self.texels["person"], texture[..., 3], EVERYWHERE,
                   np.full(shape, -np.inf, np.float32), index, bary, 0, 0)
        if self.inside is not None:
            index[self.inside[..., 0] <= 0.5] = EMPTY
        seen = np.flatnonzero(index != EMPTY)
        return HaloSeen(seen, index.flat[seen], bary.reshape(-1, 2)[seen])

    @torch.inference_mode()
    def dress(self, posed: PosedBatch) -> DressedBatch:
        """Put posed frames' parts where they are drawn, in the light that they have there."""
        placed = {name: self.to_frame(vertices) for name, vertices in posed.vertices.items() if name in self.parts}
        if "far_side" in self.parts:
            placed |= {name: self._lifted(placed[name], FAR_SIDE_BEFORE_M) for name in LIFTED & placed.keys()}
        if "glasses" in self.parts:
            placed["glasses"] = self._lifted(placed["glasses"], GLASSES_BEFORE_M)
        colour = self._colour | self._colour_behind(posed)
        colour |= {name: self._in_chin_shadow(posed, name) for name in self.chin} | {"face": self._lit(posed)}
        if self.opening is not None:
            self._open_neck(posed, placed, colour)
        if "glasses" in self.parts:
            colour["glasses"] = colour["face"][:, self.beneath_glasses]
        if "far_side" in self.parts:
            colour["far_side"] = self._lit_far_side(posed, colour["face"])
            face, gone = placed["face"][:, self.beneath_far_side], colour["face"][:, self.beneath_far_side, 3:] <= 0
            placed["face"][:, self.beneath_far_side] = torch.where(gone, self._lifted(face, GIVEN_WAY_BY_M), face)
        if TONGUE_OUT in posed.colour:
            placed[TONGUE_OUT], colour[TONGUE_OUT] = placed["tongue"], posed.colour[TONGUE_OUT]
        texels = {name: self._texels_at_rest[name] for name in placed}
        if "teeth_source" in self.parts:
            texels["teeth_source"] = self.seam.uncovered(texels["teeth_source"], placed["teeth_source"], placed["face"])
        count = len(posed.channels)
        every = ({name: known.expand(count, -1, -1) for name, known in group.items() if name in placed} for group in (colour, texels))
        return DressedBatch(placed, *every, self._halo(posed))

    def _lifted(self, placed: torch.Tensor, before_m: float) -> torch.Tensor:
        """Pixels of the frame (..., 3), nearer to the camera by so much in depth alone."""
        return placed + torch.tensor((0.0, 0.0, before_m * self.pixels_per_metre), device=self._corner.device)

    def to_frame(self, vertices: torch.Tensor) -> torch.Tensor:
        """Picture space -> pixels of the frame (pixel centres at integers)."""
        return vertices * self.scale + self._corner

    def _colour_behind(self, posed: PosedBatch) -> dict[str, torch.Tensor]:
        """Colours of what is seen through the holes."""
        shaded = self.lid_shadow.colours(posed.vertices)
        shaded |= {name: posed.colour[name] for name in ("cavity", "tongue") if name in posed.colour}
        if "teeth_source" in self.parts:
            seen = (posed.vertices[name] for name in ("teeth_source", "face"))
            shaded["teeth_source"] = self.seam.left_behind(self._colour["teeth_source"], *seen)
        return shaded | behind_pout(self._colour | shaded, posed.channels)

    def _in_chin_shadow(self, posed: PosedBatch, name: str) -> torch.Tensor:
        """(B, P, 4) colour of the person or the neck with the chin's shadow where the chin is now."""
        colour, chin = self._colour[name].repeat(len(posed.channels), 1, 1), self.chin[name]
        colour[:, chin.neck, :3] *= chin.factor(posed.vertices[name], posed.vertices["face"])[..., None]
        return colour

    def _open_neck(self, posed: PosedBatch, placed: dict[str, torch.Tensor], colour: dict[str, torch.Tensor]) -> None:
        """Open the person along the jaw in what is placed and coloured; where no frame opens its neck and jaw are left out."""
        openings = self.opening.openings(posed.vertices)
        if not (openings > LEAST_OPENING).any():
            for name in SEEN_IN_OPENING:
                del placed[name]
            return
        gone, drawn_back = self.opening.on_person(openings, posed.vertices)
        colour["person"][:, self.opening.moved, 3] *= 1 - gone
        placed["person"][:, self.opening.moved, :2] += drawn_back * self.scale
        placed["person"][:, self.opening.moved, 2] += torch.clamp(SOON * gone, max=1) * (BEHIND_M * self.pixels_per_metre)
        colour["jaw"] = self._colour["jaw"].repeat(len(openings), 1, 1)
        for name, shown in self.opening.on_parts(openings, posed.vertices).items():
            colour[name][..., 3] = shown

    def _lit(self, posed: PosedBatch) -> torch.Tensor:
        """(B, V, 4) colour of the face under the picture's light as it is turned now."""
        lit = posed.colour["face"].clone()
        lit[:, self.seam.on_device, :3] *= self.seam.factor(posed.vertices["face"])
        if self.light.is_on:
            lit[..., :3] *= self.light.factor(posed.vertices["face"], posed.channels)[..., None]
        return lit

    def _lit_far_side(self, posed: PosedBatch, face_colour: torch.Tensor) -> torch.Tensor:
        """(B, F, 4) colour of the far side's fill under the light that the face beneath it has."""
        lit = posed.colour["far_side"].clone()
        lit[..., :3] *= face_colour[:, self.beneath_far_side, :3]
        return lit

    def _halo(self, posed: PosedBatch) -> torch.Tensor:
        """(B, P) 0..1: how much of the picture's own edge is still true at each vertex of the person."""
        moved = torch.linalg.vector_norm(posed.vertices["person"] - self._person_at_rest, dim=-1)
        return torch.clamp(1.5 - moved * self.scale / (self.pixels_per_metre * HALO_REACH_M), 0, 1)

    def hole(self, aperture: str, face: np.ndarray) -> Hole | None:
        """A hole of the face, whose vertices (V, 3) are pixels of the frame; None when it is outside the frame."""
        rim = face[self.apertures[aperture], :2]
        left, top = np.maximum(np.floor(rim.min(axis=0)).astype(int) - 1, 0)
        right, bottom = np.minimum(np.ceil(rim.max(axis=0)).astype(int) + 2, self.size)
        if right <= left or bottom <= top:
            return None
        opening = np.zeros(((bottom - top) * FINE, (right - left) * FINE), np.uint8)
        outline = ((rim - (left, top) + 0.5) * FINE - 0.5) * 16
        cv2.fillPoly(opening, [np.rint(outline).astype(np.int32)], 255, shift=4)
        opening = cv2.dilate(opening, np.ones((3, 3), np.uint8))
        share = cv2.resize(opening, (right - left, bottom - top), interpolation=cv2.INTER_AREA) / np.float32(255)
        return Hole(int(left), int(top), share, self._lip_shadow(opening) if aperture == "mouth" else None)

    def _lip_shadow(self, opening: np.ndarray) -> np.ndarray:
        """(h, w) light 0..1 behind the lips, from the distance to the rim of `opening` in fine pixels."""
        inward = cv2.distanceTransform(opening, cv2.DIST_L2, 3)
        per_metre = self.pixels_per_metre * FINE
        reach = np.clip(inward.max(), LIP_SHADOW_LEAST_M * per_metre, LIP_SHADOW_M * per_metre)
        return (LIP_SHADOW_LEAST + (1 - LIP_SHADOW_LEAST) * np.minimum(inward / max(reach, 1.0), 1.0)).astype(np.float32)
