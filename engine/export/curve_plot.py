"""The performance over the sound, to look at: waveform, phones, lips, brows, blinks, head and gaze on one time axis."""

from __future__ import annotations

import os

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..audio.speech import SILENCE, Speech
from ..files import whole_file
from ..motion.clip import MotionClip

PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("jaw, lips", ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthStretchLeft", "mouthPressLeft")),
    ("lids, brows", ("eyeBlinkLeft", "eyeBlinkRight", "browInnerUp", "browOuterUpLeft", "browDownLeft")),
)
"""Channels drawn together: the title of the panel and the names."""

MOST_LABELLED_S = 15.0
"""Phones of a longer stretch are drawn without their names, which would overlap."""

DPI = 110


def write_curve_plot(clip: MotionClip, speech: Speech, samples: np.ndarray, path: str | os.PathLike, *,
                     samples_per_second: int = 16000) -> None:
    """Write a PNG. samples: (N,) the mono recording the clip was made from. Raises OutputError."""
    figure = Figure(figsize=(15, 11), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(5, 1, sharex=True, height_ratios=(1.2, 1.5, 1.3, 1.1, 1.1))
    times_s = np.arange(len(clip)) / float(clip.fps)
    _draw_sound(panels[0], speech, samples, samples_per_second)
    for axis, (title, names) in zip(panels[1:3], PANELS):
        for name in names:
            axis.plot(times_s, clip.channel(name), label=name, linewidth=1.2)
        axis.set(ylabel=title, ylim=(-0.03, 1.03))
    for column, name in enumerate(("yaw", "pitch", "roll")):
        panels[3].plot(times_s, clip.head_rotation_deg[:, column], label=name, linewidth=1.2)
    panels[3].set(ylabel="head, degrees")
    for column, name in enumerate(("yaw", "pitch")):
        panels[4].plot(times_s, clip.gaze_deg[:, :, column].mean(axis=1), label=name, linewidth=1.2)
    panels[4].set(ylabel="gaze in the head, degrees", xlabel="seconds", xlim=(0, max(clip.duration_s, speech.duration_s)))
    for axis in panels[1:]:
        axis.legend(loc="upper right", fontsize=8, ncols=3)
        axis.grid(alpha=0.3)
        _shade_pauses(axis, speech)
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=DPI)


def _draw_sound(axis, speech: Speech, samples: np.ndarray, samples_per_second: int) -> None:
    """The envelope of the waveform, with a line at every phone's start."""
    share = max(len(samples) // 4000, 1)
    blocks = samples[:len(samples) // share * share].reshape(-1, share)
    times_s = (np.arange(len(blocks)) + 0.5) * share / samples_per_second
    axis.fill_between(times_s, blocks.min(axis=1), blocks.max(axis=1), color="tab:gray", linewidth=0)
    peak = max(float(np.abs(samples).max()), 1e-6)
    axis.set(ylim=(-peak, 1.5 * peak), ylabel="voice, phones", yticks=[])
    for phone in speech.phones:
        axis.axvline(phone.start_s, color="tab:blue", alpha=0.25, linewidth=0.6)
        if phone.label != SILENCE and speech.duration_s <= MOST_LABELLED_S:
            axis.text((phone.start_s + phone.end_s) / 2, 1.2 * peak, phone.label, ha="center", fontsize=7)


def _shade_pauses(axis, speech: Speech) -> None:
    for start_s, end_s in speech.pauses():
        axis.axvspan(start_s, end_s, color="tab:gray", alpha=0.12, linewidth=0)
