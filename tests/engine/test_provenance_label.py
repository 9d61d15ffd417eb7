"""The visible label: readable, inside the safe area, in the viewer's language; as bug, slate and end card; or as layers of
its own."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from soliloquy.engine.errors import InputError
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.provenance.consent import Rights
from soliloquy.engine.provenance.label import CARD_COLOUR, HEIGHT, SAFE_MARGIN, Label, label_of
from soliloquy.engine.provenance.label_text import LONG, SHORT, font_for
from soliloquy.engine.provenance.mark import read_mark
from soliloquy.engine.provenance.policy import LabelPolicy, Policy
from soliloquy.engine.provenance.seal import Seal
from soliloquy.engine.provenance.verify import INTACT, frames_of_video, verify
from soliloquy.engine.render.write import ffmpeg_binary

FPS = Fraction(25)
ENGLISH = LabelPolicy(language="en")
SIZES = [(640, 360), (360, 640), (160, 160)]


def margins(ink: np.ndarray) -> tuple[float, float, float, float]:
    """Left, top, right, bottom: share of the picture (H, W) bool that is free of ink."""
    rows, columns = np.nonzero(ink)
    height, width = ink.shape
    return columns.min() / width, rows.min() / height, 1 - (columns.max() + 1) / width, 1 - (rows.max() + 1) / height


@pytest.mark.parametrize("place", ["top-left", "top-right", "bottom-left", "bottom-right"])
def test_bug_is_large_enough_and_inside_the_safe_area(place):
    frame = np.full((360, 640, 4), (90, 120, 60, 0), np.uint8)
    ink = Label(LabelPolicy(text="KI-erzeugt", place=place), fps=FPS).apply(frame)[..., 3] > 0
    assert min(margins(ink)) >= SAFE_MARGIN - 1 / 360
    assert np.ptp(np.nonzero(ink)[0]) >= 360 * HEIGHT
    left, top, right, bottom = margins(ink)
    assert ("top" in place) == (top < bottom) and ("left" in place) == (left < right)


def test_bug_for_the_first_seconds_only():
    frame = np.zeros((120, 200, 3), np.uint8)
    label = Label(replace(ENGLISH, seconds=0.2), fps=FPS)
    assert [not np.array_equal(label.apply(frame), frame) for _ in range(8)] == [True] * 5 + [False] * 3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", [language for language in SHORT if language not in ("ja", "ko", "zh")])
def test_every_language_fits_every_shape(language, size):
    label = Label(
        LabelPolicy(language=language, lines=("Studio Example, order 1234 of November", "www.example.org")), fps=FPS
    )
    card = np.abs(label.card(size).astype(int) - CARD_COLOUR).max(axis=2) > 20
    for ink in (label.bug(size)[..., 3] > 0, card):
        assert ink.any() and min(margins(ink)) >= SAFE_MARGIN - 1.5 / min(size)


def test_every_language_has_both_texts():
    assert set(SHORT) == set(LONG) and len(SHORT) == 12


def test_label_needs_words_and_a_font_that_can_write_them():
    assert label_of(LabelPolicy(), FPS) is None
    assert label_of(LabelPolicy(language="cs"), FPS).text == "Vytvořeno pomocí AI"
    for wrong in (LabelPolicy(language="zh"), LabelPolicy(language="xx"), replace(ENGLISH, font=Path("/nowhere.ttf"))):
        with pytest.raises(InputError, match="font|words"):
            label_of(wrong, FPS)
    assert font_for(("Ω Ж é",), None).is_file()


def made(
    folder: Path, label: LabelPolicy, *, suffix: str = ".mp4", frames: int = 10, clicks: bool = False
) -> tuple[Path, Seal]:
    """A video of `frames` noisy grey frames through a seal with this label."""
    seal = Seal(
        replace(Policy(), label=label), Rights("fictional").stated(), clip=MotionClip.neutral(frames), inputs={}, sources={}
    )
    sound = folder / "voice.wav"
    if clicks:
        subprocess.run(
            [ffmpeg_binary(), "-loglevel", "error", "-y", "-f", "lavfi", "-i", "sine=440:duration=2", str(sound)], check=True
        )
    noise = np.random.default_rng(1).normal(128, 25, (384, 384, 1)).clip(0, 255).astype(np.uint8).repeat(3, axis=2)
    noise = cv2.GaussianBlur(noise, (0, 0), 1.2)
    path = folder / f"video{suffix}"
    with seal.video_sink(path, size=(384, 384), fps=FPS, frames=frames, audio=sound if clicks else None) as sink:
        for _ in range(frames):
            sink.write(seal.mark(noise))
    seal.write_layers(folder, (384, 384))
    return path, seal


def frame_count(path: Path) -> int:
    return int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT))


def test_slate_and_end_card_stand_around_the_clip_and_the_sound_waits(tmp_path):
    path, seal = made(tmp_path, LabelPolicy(language="en", shapes=("slate", "end-card"), card_seconds=0.36), clicks=True)
    assert frame_count(path) == 10 + 2 * 9 and verify(path)[0].status == INTACT
    shown = frames_of_video(path)
    assert shown[0].mean() < 60 and shown[-1].mean() < 60 and 100 < shown[len(shown) // 2].mean() < 156
    raw = subprocess.run(
        [ffmpeg_binary(), "-loglevel", "error", "-i", str(path), "-f", "f32le", "-ac", "1", "-ar", "8000", "-"],
        capture_output=True,
        check=True,
    ).stdout
    loud = np.flatnonzero(np.abs(np.frombuffer(raw, "<f4")) > 0.02) / 8000
    assert loud[0] == pytest.approx(0.36, abs=0.01), "the voice starts with the clip, not with the slate"
    assert read_mark(shown[:1]).number == seal._number, "the slate carries the mark too"
    assert seal.record()["label"]["shapes"] == ["slate", "end-card"]


def test_what_goes_to_compositing_gets_no_cards(tmp_path):
    path, _ = made(tmp_path, LabelPolicy(language="en", shapes=("slate", "end-card"), card_seconds=0.4), suffix=".mov")
    assert frame_count(path) == 10


def test_label_as_layers_leaves_the_frames_alone(tmp_path):
    path, seal = made(tmp_path, LabelPolicy(language="en", shapes=("bug", "slate", "end-card"), layer=True))
    assert frame_count(path) == 10
    frame = np.full((384, 384, 3), 90, np.uint8)
    fresh, plain = (Seal(policy, Rights("fictional").stated(), clip=MotionClip.neutral(10), inputs={}, sources={})
                    for policy in (seal._policy, Policy()))
    assert np.array_equal(fresh.mark(frame), plain.mark(frame))
    layer = cv2.imread(str(tmp_path / "label-bug.png"), cv2.IMREAD_UNCHANGED)
    assert layer.shape == (384, 384, 4) and 0 < (layer[..., 3] > 0).mean() < 0.2
    burnt = Label(ENGLISH, fps=FPS).apply(frame).astype(int)
    alpha = layer[..., 3:] / 255
    assert np.abs(frame * (1 - alpha) + layer[..., 2::-1] * alpha - burnt).max() <= 1, (
        "laid over, the layer is the burnt-in label"
    )
    assert (tmp_path / "label-slate.png").is_file() and (tmp_path / "label-end-card.png").is_file()
