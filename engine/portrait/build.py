"""`build_portrait`: one picture becomes a `Portrait`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from .. import __version__
from ..errors import FormatError, NoFaceError
from ..files import sha256_of
from ..progress import Progress, silent
from .border import NO_BORDER, find_border, put_back, without_border
from .detect import detect_faces, rest_expression, settle_lids
from .eyes import build_eye
from .far_side import far_side_part
from .fit import CAMERA_DISTANCE_M, PUPIL_DISTANCE_M, Fit, fit_face
from .glasses import find_glasses, frame_layer, hold_still
from .jaw_line import NECK_PIVOT_DM, find_jaw_line
from .lids import build_lid
from .lip_edges import LipEdges
from .lip_line import refine_lip_line
from .matte import person_matte
from .mesh import face_part, person_parts
from .mouth import mouth_parts
from .picture import read_picture
from .plate import eight_bit, split_layers
from .portrait import Portrait
from .rims import INNER_LIP_LIGHT, LOWER_LIP_MIDDLE, UPPER_LIP_MIDDLE, lips_of
from .settings import PortraitSettings, moved_edge, set_lip_seam
from .shown_light import lit_like_shown
from .sides import eased_sides
from .tone import picture_tone
from .topology import FACE_OVAL, LANDMARKS

STEPS = 5


def build_portrait(path: str | os.PathLike, *, face: int | None = None, landmarks: str | os.PathLike | None = None,
                   settings: PortraitSettings = PortraitSettings(), progress: Progress = silent) -> Portrait:
    """Take the picture at `path` apart.

    face: which face, counted from 0 by size (default: the largest). landmarks: a JSON file with 478 corrected points
    (`{"landmarks_px": [[x, y, z], ...]}`), used instead of detection. settings: what a person has decided about this picture.
    Raises ImageError, NoFaceError, FormatError, ModelError; `progress` may raise Cancelled.
    """
    progress("portrait", 0, STEPS)
    picture = read_picture(path)
    image = np.ascontiguousarray(picture[..., :3])
    points, others = (read_landmarks(landmarks), []) if landmarks else choose_face(image, face, str(path))
    rest = rest_expression(image, points)
    points = points if landmarks else refine_lip_line(image, settle_lids(image, points))
    points = set_lip_seam(points, settings.lips)
    fit = fit_face(points, rest)
    border = NO_BORDER if picture.shape[2] == 4 else find_border(image)
    progress("portrait", 1, STEPS)
    matte = without_border(person_matte(image, points, others_px=others, progress=progress), border)
    matte = moved_edge(matte, settings.matte * fit.pupil_distance)
    if picture.shape[2] == 4:
        np.minimum(matte, np.divide(picture[..., 3], np.float32(255), dtype=np.float32), out=matte)
    progress("portrait", 2, STEPS)
    scan, image = image, without_border(image, border)
    portrait = assemble(image, points, fit, matte, find_glasses(image, points, wanted=settings.glasses))
    progress("portrait", 3, STEPS)
    matte, picture = eight_bit(matte), None  # the layers take all the memory there is on an 8K picture
    person, plate, halo = split_layers(image, matte)
    put_back(plate, halo, scan, border)
    portrait.images |= {"person": person, "plate": plate, "halo": halo}
    portrait.rest, portrait.settings, portrait.border_px = rest, settings.record(), border
    portrait.teeth_shown = LipEdges(portrait).shows_teeth
    portrait.parts |= lit_like_shown(portrait.parts, person, portrait.teeth_shown)
    portrait.provenance = {"source": Path(path).name, "source_sha256": sha256_of(path), "face": face or 0,
                           "built_by": f"soliloquy {__version__}"}
    progress("portrait", STEPS, STEPS)
    return portrait


def choose_face(image: np.ndarray, face: int | None, name: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Landmarks (478, 3) of the chosen face, and of the others. Raises NoFaceError."""
    faces = detect_faces(image)
    if not faces:
        raise NoFaceError(f"No face was found in {name}. Use a picture in which both eyes and the mouth can be seen, "
                          "or give corrected points with --landmarks.")
    if face is not None and not 0 <= face < len(faces):
        raise NoFaceError(f"{name} shows {len(faces)} face(s); there is no face number {face} (they count from 0, largest first).")
    chosen = faces.pop(face or 0)
    return chosen, faces


def read_landmarks(path: str | os.PathLike) -> np.ndarray:
    """Corrected landmarks from JSON, (478, 3). Raises FormatError."""
    try:
        points = np.asarray(json.loads(Path(path).read_text(encoding="utf-8"))["landmarks_px"], np.float32)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path} is not a readable landmark file ({error}).") from error
    if points.shape != (LANDMARKS, 3) or not np.isfinite(points).all():
        raise FormatError(f"{path} must hold {LANDMARKS} points of x, y, z; it holds an array of shape {points.shape}.")
    return points


def assemble(image: np.ndarray, points: np.ndarray, fit: Fit, matte: np.ndarray, glasses: np.ndarray | None = None) -> Portrait:
    """All parts of the portrait except the person and plate pictures.

    image (H, W, 3), points (478, 3), matte (H, W), glasses (H, W) where a frame is seen (`find_glasses`).
    """
    height, width = image.shape[:2]
    fit = eased_sides(fit)
    tone = picture_tone(image, fit.surface)
    face, apertures = face_part(fit, (width, height), tone.tint(INNER_LIP_LIGHT))
    if glasses is not None:
        hold_still(face, glasses)
    eyes = {side: build_eye(image, points, fit, side) for side in ("left", "right")}
    white = np.mean([eye.white_colour for eye in eyes.values()], axis=0)
    hole = apertures["mouth"]
    lips = tuple(face.vertices[hole[lips_of(hole.tolist())[middle]]].astype(np.float64) for middle in (UPPER_LIP_MIDDLE, LOWER_LIP_MIDDLE))
    far_side = far_side_part(image, matte, fit)
    line = find_jaw_line(image, matte, fit)
    parts = {**person_parts(fit, face, matte, line, far_side), "face": face, **mouth_parts(image, fit, white, lips, tone)}
    if far_side is not None:
        parts["far_side"] = far_side
    images = {}
    if glasses is not None:
        parts["glasses"], images["glasses"] = frame_layer(image, points, face)
    for side, eye in eyes.items():
        parts |= eye.parts
        images |= eye.images
        parts[f"lid_{side}"], images[f"lid_{side}"] = build_lid(image, fit, face, apertures[f"eye_{side}"], side, glasses)
    units_per_metre = fit.pupil_distance / PUPIL_DISTANCE_M
    return Portrait(
        size=(width, height), parts=parts, images=images, landmarks_px=points.astype(np.float32),
        units_per_metre=units_per_metre, camera_distance=CAMERA_DISTANCE_M * units_per_metre,
        camera_centre=fit.surface[list(FACE_OVAL), :2].mean(axis=0).astype(np.float32),
        neck_pivot=fit.place(np.array([NECK_PIVOT_DM]))[0].astype(np.float32),
        eye_centres=np.stack([eyes["left"].centre, eyes["right"].centre]).astype(np.float32), apertures=apertures)
