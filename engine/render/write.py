"""Where frames go: a video with the voice, or a numbered PNG sequence. Streaming; written whole or not at all."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import IO, Protocol, Self

import cv2
import imageio_ffmpeg
import numpy as np

from ..errors import OutputError
from ..files import output_error

logger = logging.getLogger(__name__)

FRAME_FILE = "{:06d}.png"
"""Name of frame number n, counted from 1, as Blender's sequencer and ffmpeg's %06d.png expect."""

_TO_BT709 = ("scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,"
             "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv")

VIDEO_ENCODINGS: dict[str, tuple[str, ...]] = {
    ".mp4": ("-vf", _TO_BT709, "-c:v", "libx264", "-preset", "veryfast", "-crf", "16", "-pix_fmt", "yuv420p",
             "-movflags", "+faststart"),
    ".mov": ("-vf", _TO_BT709, "-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le", "-alpha_bits", "16",
             "-vendor", "apl0"),
}
"""ffmpeg's options by container: H.264 to look at anywhere, ProRes 4444 to composite (it keeps straight alpha).

H.264 at constant quality 16 is visually lossless; ITU-R BT.709 with limited range is what players assume of HD video.
"""


class FrameSink(Protocol):
    """Takes frames one by one. As a context manager: finished on a clean exit, nothing left behind on an error."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None: ...

    def write(self, frame: np.ndarray) -> None:
        """Take one (H, W, 3|4) uint8 RGB(A) frame, alpha straight. Raises OutputError."""


_FAST_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)
MOST_WAITING = 8
"""Frames a PngSink holds while its threads compress them."""


class PngSink:
    """Numbered PNG files in `folder`, which appears (or is replaced) when all frames are written."""

    def __init__(self, folder: str | os.PathLike, *, seal: Callable[[Path, Path, Mapping[str, str]], None] | None = None,
                 finish: Callable[[bytes], bytes] = bytes) -> None:
        """seal: called with the temporary folder, its final name and the hex SHA-256 of every frame by name, before it is renamed.
        finish: makes of each frame's PNG file, as bytes, what is written.

        Raises OutputError when `folder` holds anything that is not a frame of an earlier run.
        """
        self.folder = Path(folder)
        self._seal, self._finish = seal, finish
        self._hashes: dict[str, str] = {}
        self._temporary = self.folder.with_name(f".{self.folder.name}.{uuid.uuid4().hex[:8]}")
        self._count = 0
        self._threads = ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, MOST_WAITING // 2))
        self._waiting: deque[Future] = deque()

    def __enter__(self) -> Self:
        try:
            if self.folder.exists():
                strangers = [entry.name for entry in self.folder.iterdir() if not re.fullmatch(r"\d{6}\.png", entry.name)]
                if strangers:
                    raise OutputError(f"{self.folder} holds other files ({strangers[0]}); frames are only written into a "
                                      "folder of their own. Choose another one.")
            self._temporary.mkdir(parents=True)
        except OSError as error:
            raise output_error(self.folder, error) from error
        return self

    def write(self, frame: np.ndarray) -> None:
        """Take the next frame, to be written as PNG (fast compression, straight alpha). Raises OutputError, for an earlier frame too."""
        self._count += 1
        order = cv2.COLOR_RGBA2BGRA if frame.shape[2] == 4 else cv2.COLOR_RGB2BGR
        path = self._temporary / FRAME_FILE.format(self._count)
        self._waiting.append(self._threads.submit(_write_png, path, cv2.cvtColor(frame, order), self._finish))
        self._wait_until(MOST_WAITING)

    def _wait_until(self, most_waiting: int) -> None:
        try:
            while len(self._waiting) > most_waiting:
                name, digest = self._waiting.popleft().result()
                self._hashes[name] = digest
        except OSError as error:
            raise output_error(self.folder, error) from error

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                self._wait_until(0)
                if self._seal:
                    self._seal(self._temporary, self.folder, self._hashes)
                if self.folder.exists():
                    shutil.rmtree(self.folder)
                self._temporary.rename(self.folder)
        except OSError as failure:
            raise output_error(self.folder, failure) from failure
        finally:
            self._threads.shutdown(cancel_futures=True)
            shutil.rmtree(self._temporary, ignore_errors=True)


def _write_png(path: Path, picture: np.ndarray, finish: Callable[[bytes], bytes]) -> tuple[str, str]:
    """Write one frame; returns its file name and hex SHA-256."""
    _, encoded = cv2.imencode(".png", picture, _FAST_PNG)
    data = finish(encoded.tobytes())
    path.write_bytes(data)
    return path.name, hashlib.sha256(data).hexdigest()


class VideoSink:
    """A video of `frames` frames at exactly `fps`, with the sound of `audio` cut or padded with silence to that length.

    The picture's time base is the fraction itself (frame n is shown at n / fps), and the sound's is its own sample count, so
    that neither drifts however long the clip is. Both start at 0, where the container's clock does: a track that starts late gets silence
    in front and gaps are filled, exactly as when the recording is decoded for analysis (engine/audio/decode.py).
    """

    def __init__(self, path: str | os.PathLike, *, size: tuple[int, int], fps: Fraction, frames: int,
                 audio: str | os.PathLike | None = None, silent_frames: int = 0, metadata: Mapping[str, str] | None = None,
                 seal: Callable[[Path], None] | None = None) -> None:
        """size: (width, height) of the frames. An odd side gets one more column or row for H.264, a copy of the last.
        silent_frames: how many of the frames are shown before the sound starts. metadata: written into the container, by key.
        seal: called with the finished file before it gets its name.

        Raises OutputError for a suffix other than those of VIDEO_ENCODINGS.
        """
        self.path = Path(path)
        if self.path.suffix not in VIDEO_ENCODINGS:
            raise OutputError(f"{self.path}: a video is written as {' or '.join(VIDEO_ENCODINGS)}.")
        self.size, self.fps, self.frames = size, fps, frames
        self.audio = Path(audio) if audio else None
        self._silence_s = float(silent_frames / fps)
        self._metadata = dict(metadata or {})
        self._seal = seal
        self._temporary = self.path.with_name(f".{self.path.stem}.{uuid.uuid4().hex[:8]}{self.path.suffix}")
        self._count = 0
        self._process: subprocess.Popen | None = None
        self._log: IO[bytes] | None = None

    @property
    def _keeps_alpha(self) -> bool:
        return self.path.suffix == ".mov"

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.touch()
        except OSError as error:
            raise output_error(self.path, error) from error
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(self._command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._log)
        return self

    def _command(self) -> list[str]:
        width, height = self._padded_size()
        rate = f"{self.fps.numerator}/{self.fps.denominator}"
        command = [ffmpeg_binary(), "-hide_banner", "-loglevel", "warning", "-nostdin", "-y",
                   "-f", "rawvideo", "-pix_fmt", "rgba" if self._keeps_alpha else "rgb24", "-s", f"{width}x{height}",
                   "-framerate", rate, "-i", "pipe:0"]
        if self.audio:
            seconds = f"{float(self.frames / self.fps):.6f}"
            later = f"adelay={1000 * self._silence_s:.3f}:all=1," if self._silence_s else ""
            sound = f"[1:a:0]aresample=async=1:first_pts=0,{later}apad=whole_dur={seconds},atrim=end={seconds}[sound]"
            command += ["-i", f"file:{self.audio}", "-filter_complex", sound, "-map", "0:v:0", "-map", "[sound]"]
            command += ["-c:a", "aac", "-b:a", "192k"] if self.path.suffix == ".mp4" else ["-c:a", "pcm_s16le"]
        command += ["-fps_mode", "passthrough", *VIDEO_ENCODINGS[self.path.suffix]]
        for key, value in self._metadata.items():
            command += ["-movflags", "+use_metadata_tags", "-metadata", f"{key}={value}"]
        return [*command, f"file:{self._temporary}"]

    def _padded_size(self) -> tuple[int, int]:
        width, height = self.size
        return (width, height) if self._keeps_alpha else (width + width % 2, height + height % 2)

    def write(self, frame: np.ndarray) -> None:
        """Encode the next frame; where the format has no alpha, over black. Raises OutputError when ffmpeg gave up."""
        if frame.shape[1::-1] != tuple(self.size):
            raise ValueError(f"frame of {frame.shape[1]} x {frame.shape[0]} in a video of {self.size[0]} x {self.size[1]}")
        self._count += 1
        pixels = self._pixels(frame)
        try:
            self._process.stdin.write(memoryview(np.ascontiguousarray(pixels)).cast("B"))
        except OSError as error:
            raise self._failure() from error

    def _pixels(self, frame: np.ndarray) -> np.ndarray:
        """`frame` with the channels and the size the encoder expects."""
        if self._keeps_alpha:
            return frame if frame.shape[2] == 4 else np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])
        if frame.shape[2] == 4:
            alpha = frame[:, :, 3:].astype(np.uint16)
            frame = ((frame[:, :, :3] * alpha + 127) // 255).astype(np.uint8)
        width, height = self._padded_size()
        if (width, height) == tuple(self.size):
            return frame
        return np.pad(frame, ((0, height - frame.shape[0]), (0, width - frame.shape[1]), (0, 0)), mode="edge")

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is not None:
                self._process.kill()
                self._process.wait()
                return
            self._finish()
        finally:
            if self._process.stdin and not self._process.stdin.closed:
                try:
                    self._process.stdin.close()
                except OSError:  # what was still buffered for a process that is gone
                    logger.debug("ffmpeg ended before its input did")
            self._log.close()
            self._temporary.unlink(missing_ok=True)

    def _finish(self) -> None:
        if self._count != self.frames:
            self._process.kill()
            self._process.wait()
            raise ValueError(f"{self._count} frames were written, {self.frames} announced")
        try:
            self._process.stdin.close()
        except OSError as error:
            raise self._failure() from error
        if self._process.wait() != 0:
            raise self._failure()
        logger.debug("ffmpeg: %s", self._messages())
        if self._seal:
            self._seal(self._temporary)
        try:
            os.replace(self._temporary, self.path)
        except OSError as error:
            raise output_error(self.path, error) from error

    def _messages(self) -> str:
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace").strip()

    def _failure(self) -> OutputError:
        """Why ffmpeg gave up, in one line; everything it said goes to the log."""
        self._process.wait()
        messages = self._messages()
        logger.error("ffmpeg failed (%s): %s", self._process.returncode, messages)
        if "No space left on device" in messages:
            return OutputError(f"The disk is full; {self.path} was not written. Free some space or choose another folder.")
        last = messages.splitlines()[-1] if messages else f"exit status {self._process.returncode}"
        return OutputError(f"The video {self.path} could not be encoded: {last}")


def ffmpeg_binary() -> str:
    """Path of the ffmpeg that comes with imageio-ffmpeg. Raises OutputError when this platform has none."""
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise OutputError("No ffmpeg was found; reinstall the package imageio-ffmpeg, or set IMAGEIO_FFMPEG_EXE.") from error
