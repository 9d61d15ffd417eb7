"""Frames into files: exact rates, sound in step, alpha kept, and nothing half-written."""

from __future__ import annotations

import os
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from soliloquy.engine.errors import OutputError
from soliloquy.engine.render.write import PngSink, VideoSink, ffmpeg_binary

FILM = Fraction(24000, 1001)


def ffmpeg(*arguments: str) -> bytes:
    return subprocess.run([ffmpeg_binary(), "-hide_banner", "-loglevel", "error", *arguments], capture_output=True, check=True).stdout


def described(path: Path) -> str:
    return subprocess.run([ffmpeg_binary(), "-hide_banner", "-i", str(path)], capture_output=True, text=True).stderr


def picture_times(path: Path) -> list[Fraction]:
    """Presentation times of the pictures in seconds, exact."""
    listing = ffmpeg("-i", str(path), "-map", "0:v", "-c", "copy", "-f", "framecrc", "-").decode()
    base = Fraction(re.search(r"#tb 0: (\S+)", listing)[1])
    return sorted(int(line.split(",")[2]) * base for line in listing.splitlines() if not line.startswith("#"))


def decoded_sound(path: Path, rate: int = 48000) -> np.ndarray:
    return np.frombuffer(ffmpeg("-i", str(path), "-map", "0:a", "-ac", "1", "-ar", str(rate), "-f", "f32le", "-"), np.float32)


def clicks_and_flashes(folder: Path, seconds: int, fps: Fraction, size: tuple[int, int], rate: int) -> Path:
    """A video whose picture flashes on the frame nearest to each click of its sound, one a second from 0.5 s on."""
    frames = int(seconds * fps)
    sound = np.zeros(seconds * rate, np.float32)
    for second in range(seconds):
        start = int((second + 0.5) * rate)
        sound[start:start + rate // 100] = 0.8 * np.sin(np.arange(rate // 100) * 0.9)
    soundfile.write(folder / "clicks.wav", sound, rate)
    lit = {round((second + 0.5) * fps) for second in range(seconds)}
    black, white = np.zeros((*size[::-1], 3), np.uint8), np.full((*size[::-1], 3), 255, np.uint8)
    with VideoSink(folder / "clicks.mp4", size=size, fps=fps, frames=frames, audio=folder / "clicks.wav") as sink:
        for frame in range(frames):
            sink.write(white if frame in lit else black)
    return folder / "clicks.mp4"


def worst_offset_s(path: Path, fps: Fraction, rate: int = 48000) -> float:
    """Greatest distance in time between a flash as shown and its click as heard."""
    grey = np.frombuffer(ffmpeg("-i", str(path), "-map", "0:v", "-vf", "scale=2:2,format=gray", "-f", "rawvideo", "-"), np.uint8)
    brightness = grey.reshape(-1, 4).mean(axis=1)
    times = picture_times(path)
    assert len(times) == len(brightness)
    flashes = np.array([float(times[frame]) for frame in np.flatnonzero(brightness > 128)])
    loud = np.abs(decoded_sound(path, rate)) > 0.2
    starts = np.flatnonzero(loud & ~np.concatenate([[False] * (rate // 2), _any_before(loud, rate // 2)])[:len(loud)]) / rate
    assert len(starts) == len(flashes)
    return float(np.abs(starts - flashes).max())


def _any_before(loud: np.ndarray, span: int) -> np.ndarray:
    """For each sample from `span` on: was any of the `span` samples before it loud?"""
    total = np.concatenate([[0], np.cumsum(loud)])
    return total[span:-1] - total[:-span - 1] > 0


def test_an_hour_of_film_rate_does_not_drift():
    """The time base is the fraction itself: frame n of an hour is shown at n / fps to well below half a frame."""
    last = int(3600 * FILM) - 1
    base = Fraction(1, 24000)  # what the mp4 muxer uses for 24000/1001; asserted by the next test
    shown = round(Fraction(last) / FILM / base) * base
    assert abs(shown - Fraction(last) / FILM) == 0


@pytest.mark.parametrize("fps", [FILM, Fraction(25), Fraction(30000, 1001)])
def test_sound_and_picture_stay_together(tmp_path, fps):
    path = clicks_and_flashes(tmp_path, 20, fps, (64, 64), 44100)
    times = picture_times(path)
    assert times == [Fraction(frame) / fps for frame in range(len(times))]
    assert worst_offset_s(path, fps) <= 0.5 / fps + 0.001  # a flash sits on the nearest frame: half a frame at most


@pytest.mark.slow
def test_sound_and_picture_stay_together_for_an_hour(tmp_path):
    path = clicks_and_flashes(tmp_path, 3600, FILM, (64, 64), 8000)
    assert worst_offset_s(path, FILM, 8000) <= 0.5 / FILM + 0.001


@pytest.mark.parametrize("seconds", [0.7, 3.0])
def test_sound_is_cut_or_padded_to_the_picture(tmp_path, seconds):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, int(seconds * 16000)), 16000)
    with VideoSink(tmp_path / "a.mp4", size=(64, 64), fps=Fraction(25), frames=50, audio=tmp_path / "a.wav") as sink:
        for _ in range(50):
            sink.write(np.zeros((64, 64, 3), np.uint8))
    assert abs(len(decoded_sound(tmp_path / "a.mp4")) / 48000 - 2.0) < 0.03


def test_colours_survive_with_their_tags(tmp_path):
    patches = np.array([[220, 40, 30], [30, 200, 60], [40, 60, 210], [128, 128, 128]], np.uint8)
    frame = np.repeat(np.repeat(patches[None], 64, axis=0), 32, axis=1)
    with VideoSink(tmp_path / "a.mp4", size=(128, 64), fps=Fraction(25), frames=3) as sink:
        for _ in range(3):
            sink.write(frame)
    assert "yuv420p(tv, bt709" in described(tmp_path / "a.mp4")
    back = np.frombuffer(ffmpeg("-i", str(tmp_path / "a.mp4"), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"), np.uint8)
    middles = back.reshape(64, 128, 3)[32, 16::32]
    assert np.abs(middles.astype(int) - patches).max() <= 6


def test_odd_sizes_repeat_the_last_row_and_column(tmp_path):
    frame = np.zeros((65, 67, 3), np.uint8)
    frame[:, -1], frame[-1] = 255, 255
    with VideoSink(tmp_path / "a.mp4", size=(67, 65), fps=Fraction(25), frames=2) as sink:
        sink.write(frame)
        sink.write(frame)
    assert "68x66" in described(tmp_path / "a.mp4")
    back = np.frombuffer(ffmpeg("-i", str(tmp_path / "a.mp4"), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-"), np.uint8)
    assert back.reshape(66, 68)[10, -1] > 200 and back.reshape(66, 68)[10, 10] < 20


def test_mov_keeps_straight_alpha(tmp_path):
    frame = np.zeros((65, 67, 4), np.uint8)
    frame[..., 0], frame[:32, :, 3], frame[32:, :, 3] = 200, 255, 64
    with VideoSink(tmp_path / "a.mov", size=(67, 65), fps=Fraction(25), frames=2) as sink:
        sink.write(frame)
        sink.write(frame)
    back = np.frombuffer(ffmpeg("-i", str(tmp_path / "a.mov"), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgba", "-"), np.uint8)
    back = back.reshape(65, 67, 4)
    assert abs(int(back[10, 30, 3]) - 255) <= 1 and abs(int(back[50, 30, 3]) - 64) <= 2
    assert abs(int(back[50, 30, 0]) - 200) <= 6  # straight: colour not darkened by its alpha


def test_mp4_shows_transparent_frames_over_black(tmp_path):
    frame = np.full((64, 64, 4), (255, 255, 255, 128), np.uint8)
    with VideoSink(tmp_path / "a.mp4", size=(64, 64), fps=Fraction(25), frames=1) as sink:
        sink.write(frame)
    back = np.frombuffer(ffmpeg("-i", str(tmp_path / "a.mp4"), "-f", "rawvideo", "-pix_fmt", "gray", "-"), np.uint8)
    assert abs(int(back.mean()) - 128) <= 3


def test_png_frames_are_exact_and_numbered_from_one(tmp_path):
    frames = np.random.default_rng(2).integers(0, 256, (3, 40, 50, 4)).astype(np.uint8)
    with PngSink(tmp_path / "frames") as sink:
        for frame in frames:
            sink.write(frame)
        assert not (tmp_path / "frames").exists(), "frames appear when all are there"
    assert sorted(os.listdir(tmp_path / "frames")) == ["000001.png", "000002.png", "000003.png"]
    back = cv2.imread(str(tmp_path / "frames" / "000002.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(cv2.cvtColor(back, cv2.COLOR_BGRA2RGBA), frames[1])


def test_frames_of_an_earlier_run_are_replaced_but_nothing_else_is(tmp_path):
    for count in (3, 2):
        with PngSink(tmp_path / "frames") as sink:
            for _ in range(count):
                sink.write(np.zeros((8, 8, 3), np.uint8))
    assert len(os.listdir(tmp_path / "frames")) == 2
    (tmp_path / "frames" / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(OutputError, match="holiday.jpg"), PngSink(tmp_path / "frames"):
        pass
    assert (tmp_path / "frames" / "holiday.jpg").read_bytes() == b"precious"


@pytest.mark.parametrize("make", [
    lambda folder: PngSink(folder / "frames"),
    lambda folder: VideoSink(folder / "a.mp4", size=(64, 64), fps=Fraction(25), frames=9),
])
def test_stopping_leaves_nothing(tmp_path, make):
    with pytest.raises(KeyboardInterrupt), make(tmp_path) as sink:
        sink.write(np.zeros((64, 64, 3), np.uint8))
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_missing_frames_leave_no_video(tmp_path):
    with pytest.raises(ValueError, match="1 frames were written, 9 announced"):
        with VideoSink(tmp_path / "a.mp4", size=(64, 64), fps=Fraction(25), frames=9) as sink:
            sink.write(np.zeros((64, 64, 3), np.uint8))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("make", [
    lambda folder: PngSink(folder / "frames"),
    lambda folder: VideoSink(folder / "a.mp4", size=(64, 64), fps=Fraction(25), frames=1),
])
def test_a_file_in_the_way_is_one_line(tmp_path, make):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="Cannot write") as caught, make(tmp_path / "taken"):
        pass
    assert "\n" not in str(caught.value)


def test_ffmpeg_failure_is_one_line_and_leaves_nothing(tmp_path):
    (tmp_path / "voice.wav").write_text("not sound")
    with pytest.raises(OutputError, match="could not be encoded") as caught:
        with VideoSink(tmp_path / "a.mp4", size=(64, 64), fps=Fraction(25), frames=1, audio=tmp_path / "voice.wav") as sink:
            sink.write(np.zeros((64, 64, 3), np.uint8))
    assert "\n" not in str(caught.value) and os.listdir(tmp_path) == ["voice.wav"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("make", [
    lambda folder: PngSink(folder / "frames"),
    lambda folder: VideoSink(folder / "a.mp4", size=(256, 256), fps=Fraction(25), frames=60),
])
def test_full_disk_is_said_and_leaves_nothing(small_disk, make):
    noise = np.random.default_rng(0)
    with pytest.raises(OutputError, match="disk is full"), make(small_disk) as sink:
        for _ in range(60):
            sink.write(noise.integers(0, 256, (256, 256, 3)).astype(np.uint8))
    assert os.listdir(small_disk) == []
