"""A small portrait and performance, made up, for the add-on's tests. Needs the engine's nouns, not Blender."""

from __future__ import annotations

import json
import wave
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.portrait.portrait import Part, Portrait

WIDTH, HEIGHT = 160, 200
DISTANCE_PX = 900.0
CENTRE = (84.0, 92.0)


def make_portrait() -> Portrait:
    """A noise picture on a domed face over a head-and-shoulders sheet, with an iris and teeth behind."""
    random = np.random.default_rng(3)
    picture = random.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    person = np.dstack((picture, np.zeros((HEIGHT, WIDTH), np.uint8)))
    person[40:, 30:130, 3] = 255
    face = _sheet(np.linspace(40, 120, 41), np.linspace(50, 140, 46), lambda x, y: 30 - ((x - 80) / 10) ** 2, "person")
    body = _sheet(np.linspace(30, 130, 51), np.linspace(40, 199.5, 82), lambda x, y: -20 + 0 * x, "person")
    body.head_weight = np.clip((170 - body.vertices[:, 1]) / 40, 0, 1).astype(np.float32)
    dense = np.zeros((52, len(face.vertices), 3), np.float32)
    dense[CHANNEL_INDEX["jawOpen"], face.vertices[:, 1] > 110] = (0, 9, -2)
    dense[CHANNEL_INDEX["mouthSmileLeft"], :40] = (3, -2, 0)
    face.set_deltas(dense)
    rim = np.flatnonzero((abs(face.vertices[:, 0] - 80) < 6) & (abs(face.vertices[:, 1] - 112) < 3)).astype(np.int32)
    teeth = _sheet(np.linspace(70, 90, 5), np.linspace(110, 114, 3), lambda x, y: -5 + 0 * x, "")
    teeth.colour[:] = (0.9, 0.85, 0.8, 1)
    dense = np.zeros((52, len(teeth.vertices), 3), np.float32)
    dense[CHANNEL_INDEX["jawOpen"]] = (0, 8, 0)
    teeth.set_deltas(dense)
    iris = _sheet(np.linspace(90, 104, 5), np.linspace(78, 92, 5), lambda x, y: -5 + 0 * x, "person")
    return Portrait(
        size=(WIDTH, HEIGHT), parts={"person": body, "face": face, "iris_left": iris, "teeth_lower": teeth},
        images={"person": person, "plate": picture}, landmarks_px=np.zeros((478, 3), np.float32), units_per_metre=480.0,
        camera_distance=DISTANCE_PX, camera_centre=np.array(CENTRE, np.float32),
        neck_pivot=np.array([80, 150, -40], np.float32), eye_centres=np.array([[97, 85, -13], [63, 85, -13]], np.float32),
        apertures={"mouth": rim}, provenance={"source": "ada.png"})


def _sheet(columns: np.ndarray, rows: np.ndarray, depth, texture: str) -> Part:
    """A grid whose vertices are seen at (columns, rows) in the picture and lie at depth(x, y)."""
    seen_x, seen_y = (axis.ravel() for axis in np.meshgrid(columns, rows))
    vertices = np.column_stack((seen_x, seen_y, depth(seen_x, seen_y)))
    wide = len(columns)
    corner = (np.arange(len(rows) - 1)[:, None] * wide + np.arange(wide - 1)).ravel()
    triangles = np.concatenate((np.column_stack((corner, corner + wide, corner + 1)),
                                np.column_stack((corner + 1, corner + wide, corner + wide + 1))))
    count = len(vertices)
    return Part(vertices=vertices.astype(np.float32), triangles=triangles.astype(np.int32),
                uv=np.column_stack(((seen_x + 0.5) / WIDTH, (seen_y + 0.5) / HEIGHT)).astype(np.float32),
                colour=np.ones((count, 4), np.float32), head_weight=np.ones(count, np.float32),
                delta_channel=np.zeros(0, np.uint8), delta_index=np.zeros(0, np.int32),
                delta_offset=np.zeros((0, 3), np.float32), texture=texture)


def make_clip(frames: int, fps: Fraction) -> MotionClip:
    """A clip in which every number differs, within range."""
    random = np.random.default_rng(1)
    return MotionClip(fps, random.random((frames, 52), np.float32), random.uniform(-8, 8, (frames, 3)).astype(np.float32),
                      random.uniform(-0.02, 0.02, (frames, 3)).astype(np.float32),
                      random.uniform(-15, 15, (frames, 2, 2)).astype(np.float32), own=random.random((frames, 3), np.float32))


def make_folder(folder: Path, frames: int, fps: Fraction, *, pictures: bool = True) -> Path:
    """`folder` as `soliloquy animate` writes it, with the voice beside it."""
    folder.mkdir()
    make_clip(frames, fps).save(folder / "motion.json")
    make_portrait().save(folder / "portrait.portrait")
    if pictures:
        (folder / "frames").mkdir()
        for number in range(1, frames + 1):
            cv2.imwrite(str(folder / "frames" / f"{number:06d}.png"), np.full((8, 8, 4), number % 256, np.uint8))
    write_wave(folder.parent / "voice.wav", float(frames / fps))
    (folder / "report.json").write_text(json.dumps({"audio": str(folder.parent / "voice.wav")}), encoding="utf-8")
    return folder


def write_wave(path: Path, duration_s: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        tone = np.sin(np.arange(round(16000 * duration_s)) * 0.1) * 9000
        file.writeframes(tone.astype("<i2").tobytes())
