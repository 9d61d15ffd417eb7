"""Where every vertex is at every frame: blendshapes, gaze, the head on its neck, and the camera. Batched in torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.spatial
import torch

from ...common import shoulders
from ...common.channels import ARKIT_CHANNELS, RIG_CHANNELS
from ..device import CPU, draws
from ..motion.clip import CHANNEL_INDEX, MotionClip
from ..portrait.far_side import BEFORE_FACE
from ..portrait.fit import PUPIL_DISTANCE_M
from ..portrait.locks import COMES_INTO_VIEW
from ..portrait.portrait import Part, Portrait
from ..portrait.settings import PortraitSettings
from ..portrait.topology import FACE_OVAL, LID_LOWER, LID_UPPER
from .mouthlight import MouthLight


def rotation_matrices(yaw_pitch_roll_deg: torch.Tensor) -> torch.Tensor:
    """(B, 3) degrees -> (B, 3, 3) in picture space (y down). See MotionClip for the signs: R = Ry(yaw) Rx(-pitch) Rz(roll)."""
    yaw, pitch, roll = torch.deg2rad(yaw_pitch_roll_deg).unbind(1)
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)

    def stack(*rows):
        return torch.stack([torch.stack(row, 1) for row in rows], 1)

    about_y = stack((yaw.cos(), zero, yaw.sin()), (zero, one, zero), (-yaw.sin(), zero, yaw.cos()))
    about_x = stack((one, zero, zero), (zero, pitch.cos(), pitch.sin()), (zero, -pitch.sin(), pitch.cos()))
    about_z = stack((roll.cos(), -roll.sin(), zero), (roll.sin(), roll.cos(), zero), (zero, zero, one))
    flip = torch.tensor([1.0, -1.0, 1.0], device=yaw.device)
    return flip[:, None] * (about_y @ about_x @ about_z) * flip[None, :]


@dataclass
class PosedFrame:
    """One frame's geometry. vertices: part -> (V, 3) in picture space; colour: part -> (V, 4), for parts whose own changes, and
    TONGUE_OUT (render/mouthlight.py);
    channels: (52,) the expression."""

    vertices: dict[str, np.ndarray]
    colour: dict[str, np.ndarray]
    channels: np.ndarray


@dataclass
class PosedBatch:
    """B frames' geometry as tensors: what a PosedFrame holds, (B, ...) each."""

    vertices: dict[str, torch.Tensor]
    colour: dict[str, torch.Tensor]
    channels: torch.Tensor

    def frames(self) -> Iterator[PosedFrame]:
        """Each frame by itself, in the processor's memory."""
        vertices, colour = ({name: known.cpu().numpy() for name, known in group.items()} for group in (self.vertices, self.colour))
        for frame, channels in enumerate(self.channels.cpu().numpy()):
            yield PosedFrame({name: known[frame] for name, known in vertices.items()},
                             {name: known[frame] for name, known in colour.items()}, channels)


FADE_FACING = (0.08, 0.32)
"""The face is gone into the person below where its surface turns away from the camera (cosine), and whole above: the outline
then has no stairs, and texture seen edge-on in the picture is never stretched into view."""
LEAST_TURN = 1e-3
"""The far cheek's fill comes into view over at least so much, a cosine."""
LIES_DEEPER = (0.0, 0.04)
"""What lies about that fill begins to lie deeper when the far side as a whole faces the camera by so much less than at rest, and does."""
RIM_NEIGHBOURS = 9
GIVES_WAY = 0.8
"""The face beneath goes where the fill covers it by more than this, not where the two are mixed: the person would show
between them."""
OUTLINE_REACH = (0.5, 0.7)
"""Within the first distance from the face's outline the fill fades edge-on, beyond the second it does not, pupil
distances: the person would show along a nose's contour."""
FADE_CLEAR_OF_HOLES = 0.12
"""Lids and lips never fade: within this many pupil distances of a hole, in depth too. A temple that has turned away behind an
eye would be seen through its hole."""


GLINT_SHARE = 0.5
"""The light's reflection lies at the centre of the cornea's curvature, half as far before the eye's centre as the iris
(Guestrin & Eizenman 2006, "General theory of remote gaze estimation"): so far it goes with the gaze."""
CARRIED = ("person", "neck")
"""Parts that show the trunk."""
TURNS_WITH_GAZE = {"iris_left": (0, 1.0), "iris_right": (1, 1.0), "glint_left": (0, GLINT_SHARE), "glint_right": (1, GLINT_SHARE)}
BLINKS = (CHANNEL_INDEX["eyeBlinkLeft"], CHANNEL_INDEX["eyeBlinkRight"])


def lid_closure(portrait: Portrait) -> np.ndarray:
    """(2, 52) float32: the share of the subject's left and right eye that each channel but eyeBlink closes at 1."""
    face = portrait.parts["face"]
    shares = np.zeros((2, 52), np.float32)
    deltas = face.dense_deltas()
    for row, (side, blink) in enumerate(zip(("left", "right"), BLINKS)):
        upper, lower = (lid[len(lid) // 2] for lid in (LID_UPPER[side], LID_LOWER[side]))
        gap = face.vertices[lower, :2] - face.vertices[upper, :2]
        shares[row] = (deltas[:, upper, :2] - deltas[:, lower, :2]) @ gap / max(float(gap @ gap), 1e-6)
        shares[row, blink] = 0.0
    return shares


def carried_share(portrait: Portrait, name: str) -> np.ndarray:
    """(P,) how much of the head's shift the trunk goes along with at each vertex of a part that it is seen in."""
    share = shoulders.carried_share(portrait.images["person"][..., 3], portrait.parts[name].vertices[:, :2],
                                    portrait.units_per_metre, PortraitSettings.of(portrait).shoulders)
    return share.astype(np.float32)


def beneath_far_side(portrait: Portrait) -> np.ndarray:
    """(F,) the vertex of the face that each vertex of the far side lies on."""
    on_face = portrait.parts["far_side"].vertices - (0, 0, BEFORE_FACE * portrait.units_per_metre * PUPIL_DISTANCE_M)
    return scipy.spatial.cKDTree(portrait.parts["face"].vertices).query(on_face)[1]


def beneath_glasses(portrait: Portrait) -> np.ndarray:
    """(G,) the vertex of the face that each vertex of the frame of glasses lies on."""
    return scipy.spatial.cKDTree(portrait.parts["face"].vertices).query(portrait.parts["glasses"].vertices)[1]


def facing_sideways(head: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
    """(B, F) how much a surface with normals (F, 3) at rest faces the camera (cosine) when heads (B, 3, 3) turn sideways only."""
    return torch.einsum("bk,vk->bv", torch.nn.functional.normalize(head[:, 2, ::2], dim=1), normals[:, ::2])


def between(values: torch.Tensor, limits: tuple) -> torch.Tensor:
    """0..1 where values lie between two limits, which may be tensors."""
    low, high = limits
    return torch.clamp((values - low) / (high - low), 0, 1)


def flat_deltas(part: Part) -> np.ndarray:
    """(C, V * 3) offsets of a part at full value of the first C of RIG_CHANNELS; only a tongue and lips that are apart follow more than ARKit's."""
    follows = RIG_CHANNELS if part.delta_channel.max() >= len(ARKIT_CHANNELS) else ARKIT_CHANNELS
    return part.dense_deltas(len(follows)).reshape(len(follows), -1)


class Poser:
    """A portrait's parts as tensors, ready to be posed batch after batch."""

    def __init__(self, portrait: Portrait, device: torch.device | None = None):
        """device: where parts are posed, the processor by default. What is found lies at `home`: there, if it can draw."""
        self.device = device or torch.device(CPU)
        self.home = self.device if draws(self.device) else torch.device(CPU)
        self.pivot = torch.from_numpy(np.array(portrait.neck_pivot, np.float32))
        self.centre = torch.from_numpy(np.array(portrait.camera_centre, np.float32))
        self.distance = float(portrait.camera_distance)
        self.units_per_metre = float(portrait.units_per_metre)
        self.eye_centres = torch.from_numpy(np.array(portrait.eye_centres, np.float32))
        self.parts = {}
        for name, part in portrait.parts.items():
            rest = torch.from_numpy(np.array(part.vertices, np.float32))
            deltas = torch.from_numpy(flat_deltas(part)) if len(part.delta_index) else None
            self.parts[name] = (rest, deltas, torch.from_numpy(np.array(part.head_weight, np.float32)))
        self.carried = {name: torch.from_numpy(carried_share(portrait, name)).to(self.device) for name in CARRIED if name in portrait.parts}
        self.face_colour = torch.from_numpy(np.array(portrait.parts["face"].colour, np.float32))
        self.face_normals = self._normals(portrait.parts["face"])
        self.face_may_fade = self._clear_of_holes(portrait)
        self.far_side = self._far_side(portrait) if "far_side" in portrait.parts else None
        self.deeper = self._deeper_turned_away(portrait) if self.far_side is not None else {}
        self.mouth_light = MouthLight(portrait, self.home) if {"tongue", "cavity", "teeth_upper"} <= portrait.parts.keys() else None
        self.closure = torch.from_numpy(lid_closure(portrait))
        self._move_to_device()

    def _move_to_device(self) -> None:
        """What parts are posed with, and home what they are coloured with; what is needed at rest only was computed before."""
        for where, names in ((self.device, ("pivot", "centre", "eye_centres")),
                             (self.home, ("face_colour", "face_normals", "face_may_fade", "closure"))):
            for name in names:
                setattr(self, name, getattr(self, name).to(where))
        if self.far_side is not None:
            self.far_side = {name: known.to(self.home) for name, known in self.far_side.items()}
        self.deeper = {name: deeper.to(self.device) for name, deeper in self.deeper.items()}
        self.parts = {name: tuple(known.to(self.device) if known is not None else None for known in part)
                      for name, part in self.parts.items()}

    def pose(self, clip: MotionClip, start: int, stop: int) -> Iterator[PosedFrame]:
        """Yield the geometry of each frame start..stop-1, in picture space as the camera sees it."""
        yield from self.pose_together(clip, start, stop).frames()

    @torch.inference_mode()
    def pose_together(self, clip: MotionClip, start: int, stop: int) -> PosedBatch:
        """The geometry of frames start..stop-1, in picture space as the camera sees it."""
        channels, own, rotation_deg, shift_m, gaze = (
            torch.from_numpy(np.ascontiguousarray(asked[start:stop], np.float32)).to(self.home)
            for asked in (clip.channels, clip.own, clip.head_rotation_deg, clip.head_translation_m, clip.gaze_deg))
        channels = torch.cat([self._close_what_is_open(channels), own], dim=1)
        head = rotation_matrices(rotation_deg)
        shift = shift_m * self.units_per_metre * torch.tensor([1.0, -1.0, 1.0], device=self.home)
        asked = [known.to(self.device) for known in (channels, head, shift, gaze)]
        deeper = self._turned_away(head) if self.deeper else {}
        posed = {name: self._pose_part(name, deeper.get(name), *asked).to(self.home) for name in self.parts}
        colours = {"face": self._face_colour(head)}
        if self.far_side is not None:
            colours["far_side"] = self._uncover_far_side(head, colours["face"])
        if self.mouth_light is not None:
            colours |= self.mouth_light.colours(channels, posed["tongue"], posed["face"])
        return PosedBatch(posed, colours, channels[:, :len(ARKIT_CHANNELS)])

    def _close_what_is_open(self, channels: torch.Tensor) -> torch.Tensor:
        """(B, 52) with eyeBlink taken of what the other channels leave open: lids meet, and never pass each other."""
        left_open = torch.clamp(1 - channels @ self.closure.T, min=0)
        channels = channels.clone()
        channels[:, list(BLINKS)] *= left_open
        return channels

    def _face_colour(self, head: torch.Tensor) -> torch.Tensor:
        """(B, V, 4): the face's own colour, faded where the turned head shows it edge-on."""
        facing = torch.einsum("bk,vk->bv", head[:, 2], self.face_normals)
        share = between(facing, FADE_FACING)
        share = 1 - self.face_may_fade * (1 - share * share * (3 - 2 * share))
        colour = self.face_colour.expand(len(head), -1, -1).clone()
        colour[..., 3] *= share
        return colour

    def _far_side(self, portrait: Portrait) -> dict[str, torch.Tensor]:
        """Of the far side its colour (F, 4), normals at rest (F, 3), the vertices of the face beneath it (F,), how much of those it
        covers (F,), also of the rim, where it fades, how much it may fade edge-on (F,), and when it comes into view (F, 2)."""
        part, beneath = portrait.parts["far_side"], beneath_far_side(portrait)
        alpha = part.colour[:, 3]
        _, around = scipy.spatial.cKDTree(part.vertices).query(part.vertices, k=min(RIM_NEIGHBOURS, len(part.vertices)))
        at_rim = portrait.parts["face"].colour[beneath, 3] < 1
        covers = np.clip((np.where(at_rim, alpha[around].max(axis=1), alpha) - GIVES_WAY) / (1 - GIVES_WAY), 0, 1)
        from_outline, _ = scipy.spatial.cKDTree(portrait.landmarks_px[list(FACE_OVAL)]).query(part.vertices)
        near, far = np.array(OUTLINE_REACH) * portrait.units_per_metre * PUPIL_DISTANCE_M
        may_fade = np.clip((far - from_outline) / (far - near), 0, 1)
        beneath = torch.from_numpy(beneath)
        limits = np.tile(COMES_INTO_VIEW, (len(alpha), 1)) if part.comes_into_view is None else part.comes_into_view.copy()
        limits[:, 1] = np.maximum(limits[:, 1], limits[:, 0] + LEAST_TURN)  # a file may come from anywhere
        return {"colour": torch.from_numpy(np.array(part.colour, np.float32)), "normals": self.face_normals[beneath],
                "beneath": beneath, "covers": torch.from_numpy(covers.astype(np.float32)),
                "may_fade": torch.from_numpy(may_fade.astype(np.float32)), "limits": torch.from_numpy(limits.astype(np.float32))}

    def _uncover_far_side(self, head: torch.Tensor, face_colour: torch.Tensor) -> torch.Tensor:
        """(B, F, 4): the far side's colour, shown as far as it has turned towards the camera; the face beneath gives way to it.

        A turn sideways is what uncovers it: a face that only looks up shows more of what is below its nose, on both sides.
        """
        normals = self.far_side["normals"]
        facing = torch.einsum("bk,vk->bv", head[:, 2], normals)
        shown = between(facing_sideways(head, normals) - normals[:, 2], self.far_side["limits"].unbind(1))
        colour = self.far_side["colour"].expand(len(head), -1, -1).clone()
        edge_on = 1 - between(facing, FADE_FACING)
        colour[..., 3] *= shown * (1 - self.far_side["may_fade"] * edge_on)
        face_colour[:, self.far_side["beneath"], 3] *= 1 - shown * self.far_side["covers"]
        return colour

    @staticmethod
    def _deeper_turned_away(portrait: Portrait) -> dict[str, torch.Tensor]:
        """part -> (V, 3) where its vertices go when the head turns the far side further away."""
        known = {name: part.deeper_turned_away for name, part in portrait.parts.items() if part.deeper_turned_away is not None}
        return {name: torch.from_numpy(np.pad(-deeper[:, None].astype(np.float32), ((0, 0), (2, 0)))) for name, deeper in known.items()}

    def _turned_away(self, head: torch.Tensor) -> dict[str, torch.Tensor]:
        """part -> (B, V, 3) how far its vertices have gone there."""
        wanted = (self.far_side["colour"][:, 3:] * self.far_side["normals"]).sum(dim=0, keepdim=True)
        normal = torch.nn.functional.normalize(wanted, dim=1)
        share = between(normal[:, 2] - facing_sideways(head, normal), LIES_DEEPER)[..., None].to(self.device)
        return {name: share * deeper for name, deeper in self.deeper.items()}

    def _normals(self, part) -> torch.Tensor:
        """(V, 3) unit normals of a part at rest, in camera space, towards the camera."""
        space = self._unproject(torch.from_numpy(np.array(part.vertices, np.float32)))
        corners = space[torch.from_numpy(part.triangles.astype(np.int64))]
        crossed = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        if crossed[:, 2].sum() < 0:
            crossed = -crossed
        normals = torch.zeros_like(space)
        for corner in range(3):
            normals.index_add_(0, torch.from_numpy(part.triangles[:, corner].astype(np.int64)), crossed)
        return torch.nn.functional.normalize(normals, dim=1)

    def _clear_of_holes(self, portrait: Portrait) -> torch.Tensor:
        """(V,) 1 where the face may fade, 0 at its holes."""
        vertices = portrait.parts["face"].vertices
        rims = np.concatenate([vertices[rim] for rim in portrait.apertures.values()])
        distance, _ = scipy.spatial.cKDTree(rims).query(vertices)
        pupil_distance = portrait.units_per_metre * PUPIL_DISTANCE_M
        return torch.from_numpy(np.clip(distance / (FADE_CLEAR_OF_HOLES * pupil_distance) - 1, 0, 1).astype(np.float32))

    def _pose_part(self, name, deeper, channels, head, shift, gaze) -> torch.Tensor:
        rest, deltas, weight = self.parts[name]
        vertices = rest.expand(len(channels), -1, -1)
        if deeper is not None:
            vertices = vertices + deeper
        if deltas is not None:
            vertices = vertices + (channels[:, :len(deltas)] @ deltas).view(len(channels), -1, 3)
        if name in TURNS_WITH_GAZE:
            eye, share = TURNS_WITH_GAZE[name]
            vertices = self._turn_eye(vertices, share * gaze[:, eye], self.eye_centres[eye])
        space = self._unproject(vertices)
        pivot = self._unproject(self.pivot[None, None])[0, 0]
        turned = (space - pivot) @ head.transpose(1, 2) + pivot + shift[:, None]
        moved = space + weight[None, :, None] * (turned - space)
        if name in self.carried:
            moved = moved + ((1 - weight) * self.carried[name])[None, :, None] * shift[:, None]
        return self._project(moved)

    @staticmethod
    def _turn_eye(vertices, gaze_deg, centre) -> torch.Tensor:
        turn = rotation_matrices(torch.cat([gaze_deg, torch.zeros(len(gaze_deg), 1, device=gaze_deg.device)], dim=1))
        return (vertices - centre) @ turn.transpose(1, 2) + centre

    def _unproject(self, vertices: torch.Tensor) -> torch.Tensor:
        """Picture space -> camera space, same unit, origin at the face's centre, z towards the camera."""
        away = (self.distance - vertices[..., 2:]) / self.distance
        return torch.cat([(vertices[..., :2] - self.centre) * away, vertices[..., 2:]], dim=-1)

    def _project(self, space: torch.Tensor) -> torch.Tensor:
        nearest = 0.05 * self.distance
        away = torch.clamp(self.distance - space[..., 2:], min=nearest) / self.distance
        return torch.cat([space[..., :2] / away + self.centre, space[..., 2:]], dim=-1)
