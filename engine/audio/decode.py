"""Any sound file, or the sound track of any video, as 16 kHz mono float32. Decoding is ffmpeg's."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import imageio_ffmpeg
import numpy as np

from ..errors import AudioError
from ..progress import Progress, silent
from .rows import Rows, Track, blocks_of

SAMPLE_RATE_HZ = 16000
SHORTEST_S = 0.2
LONGEST_S = 7200.0
LENGTH_TOLERANCE_S = 0.5
"""A stated length may exceed the decoded one by this much (encoder delay, rounding) before the file counts as cut off."""

SILENCE_PEAK = 1e-3
"""A recording whose largest sample stays below this (-60 dB re full scale) holds no sound anyone could animate."""

_BLOCK_BYTES = 1 << 20
_MESSAGES_BYTES = 1 << 16
_STREAMED_SIZES = (0, 0xFFFFFFFF)


def read_audio(path: str | os.PathLike, *, channel: int | None = None, progress: Progress = silent) -> np.ndarray:
    """(N,) float32: what `open_audio` reads, as a whole in memory. Raises AudioError as that does."""
    with open_audio(path, channel=channel, progress=progress) as samples:
        return samples[:]


def open_audio(path: str | os.PathLike, *, channel: int | None = None, progress: Progress = silent) -> Rows:
    """The first sound track of `path` as N float32 samples at SAMPLE_RATE_HZ in a temporary file, to be closed by the caller
    (`with`): 230 MB an hour on disk. All channels are mixed to one, or only one is taken (`channel`, from 0).

    The sound keeps its place in time: a track that starts late in its container gets silence in front, gaps are filled.
    Raises AudioError when the file is missing, empty, unreadable, cut off, without a sound track, shorter than SHORTEST_S,
    longer than LONGEST_S, silent throughout, or holds samples that are not finite numbers.
    """
    path = Path(path)
    _check_file(path)
    samples, messages = _decode(path, channel, progress)
    try:
        _check_decoded(path, samples, channel, messages)
    except AudioError:
        samples.close()
        raise
    return samples


def _check_decoded(path: Path, samples: Rows, channel: int | None, messages: str) -> None:
    """Refuse what cannot be used, with the reason."""
    if len(samples) > LONGEST_S * SAMPLE_RATE_HZ:
        raise AudioError(f"{path} is longer than {LONGEST_S / 3600:g} hours. Cut it into parts.")
    if channel and re.search(r"Stream #0:\d+.*: Audio:.*\bmono\b", messages.partition("Output #0")[0]):
        raise AudioError(f"{path} has only one channel. Leave out --speaker, or say who speaks when with --cues.")
    if not len(samples):
        raise AudioError(_reason_for_nothing(path, messages))
    _check_length(path, len(samples) / SAMPLE_RATE_HZ, messages)
    _check_values(path, samples)


def _check_file(path: Path) -> None:
    """Catch what ffmpeg would explain badly: missing and empty files, and RIFF files shorter than their header says."""
    try:
        if not path.is_file():
            raise AudioError(f"{path} is not a file. Give a sound file or a video with sound.")
        size = path.stat().st_size
        with open(path, "rb") as file:
            head = file.read(12)
    except OSError as error:
        raise AudioError(f"{path} cannot be opened: {error.strerror}.") from error
    if not size:
        raise AudioError(f"{path} is empty (0 bytes). Record or export it again.")
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        stated = struct.unpack("<I", head[4:8])[0]
        if stated not in _STREAMED_SIZES and stated + 8 > size + 1:
            raise AudioError(
                f"{path} is cut off: {stated + 8} bytes were promised, {size} are there. Copy or export it again."
            )


def _decode(path: Path, channel: int | None, progress: Progress) -> tuple[Rows, str]:
    """Run ffmpeg on `path`; (samples, the text ffmpeg wrote about it). Stops reading past LONGEST_S."""
    chosen = "" if channel is None else f"pan=mono|c0=c{channel},"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-hide_banner",
        "-nostdin",
        "-nostats",
        "-i",
        f"file:{path}",
        "-map",
        "0:a:0",
        # rematrix_maxval keeps the mix inside full scale; async and first_pts keep sound and picture in step.
        "-af",
        f"{chosen}aresample={SAMPLE_RATE_HZ}:out_chlayout=mono:rematrix_maxval=1:async=1:first_pts=0",
        "-f",
        "f32le",
        "pipe:1",
    ]
    with tempfile.TemporaryFile() as messages_file:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages_file) as process:
            try:
                samples = Rows.of(_blocks(process.stdout, progress), np.float32)
            finally:
                process.kill()
        messages_file.seek(0)
        messages = messages_file.read(_MESSAGES_BYTES).decode("utf-8", "replace")
    return samples, messages


def _blocks(stream: IO[bytes], progress: Progress) -> Iterator[np.ndarray]:
    """float32 samples as they come, until the stream ends or has passed LONGEST_S."""
    count, rest = 0, b""
    while count <= LONGEST_S * SAMPLE_RATE_HZ and (block := stream.read(_BLOCK_BYTES)):
        block = rest + block
        whole = len(block) - len(block) % 4
        rest = block[whole:]
        count += whole // 4
        yield np.frombuffer(block[:whole], "<f4")
        progress("decode", 0, 1)
    progress("decode", 1, 1)


def _reason_for_nothing(path: Path, messages: str) -> str:
    """Why ffmpeg gave no sample, in one line."""
    if "matches no streams" in messages:
        return f"{path} has no sound track. Give a recording, or a video with sound."
    if re.search(r"Stream #0:\d+.*: Audio:", messages):
        return f"{path} has a sound track of length zero. Record or export it again."
    return f"{path} is not a sound or video file that can be read (damaged, cut off, or of an unknown kind)."


def _check_length(path: Path, decoded_s: float, messages: str) -> None:
    """Compare with the limits, and with the length the file itself states (sound-only files: a video's may differ)."""
    if decoded_s < SHORTEST_S:
        raise AudioError(f"{path} lasts only {decoded_s:.3f} s; at least {SHORTEST_S} s are needed.")
    stated = re.search(r"Duration: (\d+):(\d+):(\d+\.\d+)", messages)
    has_video = any("attached pic" not in line for line in re.findall(r"Stream #0:\d+.*: Video:.*", messages))
    guessed = "Estimating duration from bitrate" in messages
    if not stated or has_video or guessed:
        return
    hours, minutes, seconds = stated.groups()
    stated_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if stated_s > decoded_s + max(LENGTH_TOLERANCE_S, 0.01 * decoded_s):
        raise AudioError(
            f"{path} is cut off or damaged: it states {stated_s:.1f} s, but only {decoded_s:.1f} s can be read. "
            "Copy or export it again."
        )


def _check_values(path: Path, samples: Rows) -> None:
    """Refuse NaN, infinity and pure silence."""
    peak = peak_of(samples)
    if not np.isfinite(peak):
        raise AudioError(f"{path} holds samples that are not numbers (NaN or infinity). Export it again.")
    if peak < SILENCE_PEAK:
        raise AudioError(f"{path} is silent from beginning to end. Check that the right track was recorded.")


def peak_of(samples: Track) -> float:
    """The largest absolute sample; NaN where one is not a number."""
    return float(np.max([np.abs(block).max() for _, block in blocks_of(samples, _BLOCK_BYTES)]))
