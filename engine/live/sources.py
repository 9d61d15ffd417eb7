"""Where live sound comes from: a file at its own pace, a stream of samples, a microphone. All give chunks at 16 kHz."""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from scipy.signal import butter, sosfilt

from ..audio.decode import SAMPLE_RATE_HZ, read_audio
from ..errors import AudioError, InputError

CHUNK_S = 0.01
LARGEST_CHUNK_S = 0.5
"""Who is late takes all that has come meanwhile at once, up to this: in large pieces it is heard in half the time."""
STALL_S = 0.15
"""Nothing for this long means that the sound has stopped: the face goes on without it."""

MOST_WAITING = 500
"""Chunks that may wait for a busy computer; the oldest are given up beyond it, and concealed."""

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8000, 192000
HIGHEST_KEPT_HZ = 7000.0


@dataclass(frozen=True)
class Chunk:
    """samples: (N,) float32 at 16 kHz; lost: samples missing before them; due_s: when its last sample existed, on the
    clock of `time.perf_counter`."""

    samples: np.ndarray
    lost: int
    due_s: float


def file_source(path: Path, *, fast: bool = False) -> Iterator[Chunk]:
    """A recording in chunks of CHUNK_S, each given out when a microphone would have had it; `fast`: at once.

    Raises AudioError when the recording cannot be used.
    """
    return _paced(read_audio(path), fast)


def _paced(samples: np.ndarray, fast: bool) -> Iterator[Chunk]:
    step, most = round(CHUNK_S * SAMPLE_RATE_HZ), round(LARGEST_CHUNK_S * SAMPLE_RATE_HZ)
    start_s, first = time.perf_counter(), 0
    while first < len(samples):
        late = 0 if fast else int((time.perf_counter() - start_s) * SAMPLE_RATE_HZ) - first
        chunk = samples[first : first + min(max(late // step * step, step), most)]
        first += len(chunk)
        due_s = time.perf_counter() if fast else start_s + first / SAMPLE_RATE_HZ
        while not fast and (wait_s := due_s - time.perf_counter()) > 0:
            time.sleep(wait_s)
        yield Chunk(chunk, 0, due_s)


def stream_source(stream: BinaryIO, rate_hz: int) -> Iterator[Chunk]:
    """Raw little-endian 16-bit mono samples at `rate_hz`, as they arrive. Raises InputError for an impossible rate."""
    def read(put: Callable[[np.ndarray, int], None]) -> None:
        rest = b""
        resampled = _Resampler(rate_hz)
        while data := _read_some(stream, 2 * round(CHUNK_S * rate_hz)):
            data = rest + data
            whole = len(data) - len(data) % 2
            rest = data[whole:]
            put(resampled(np.frombuffer(data[:whole], "<i2").astype(np.float32) / 32768.0), 0)

    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise InputError(f"A sample rate of {rate_hz} Hz is out of range; give {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}.")
    return _as_they_come(read, waits=True)


def _read_some(stream: BinaryIO, size: int) -> bytes:
    """What is there, up to `size` bytes; waits for the first of them. Empty at the end."""
    return stream.read1(size) if hasattr(stream, "read1") else stream.read(size)


def microphone_source(device: str = "") -> Iterator[Chunk]:
    """The default input device, or one by its number or a part of its name. Raises AudioError when there is none."""
    sounddevice = _sounddevice()

    def read(put: Callable[[np.ndarray, int], None]) -> None:
        clock = _MicrophoneClock()

        def heard(data: np.ndarray, frames: int, moment, status) -> None:
            put(data[:, 0].copy(), clock.lost(moment.inputBufferAdcTime, frames, bool(status.input_overflow)))

        block = round(CHUNK_S * SAMPLE_RATE_HZ)
        try:
            with sounddevice.InputStream(SAMPLE_RATE_HZ, block, chosen, 1, "float32", "low", callback=heard):
                threading.Event().wait()
        except sounddevice.PortAudioError as error:
            raise AudioError(f"The microphone {device or '(default)'} gave up: {error}.") from error

    chosen = int(device) if device.isdigit() else device or None
    try:
        sounddevice.check_input_settings(chosen, 1, "float32", samplerate=SAMPLE_RATE_HZ)
    except (sounddevice.PortAudioError, ValueError) as error:
        raise AudioError(f"The microphone {device or '(default)'} cannot be used: {error}. Connect one, or name it with --device.") from error
    return _as_they_come(read, waits=False)


def microphones() -> list[str]:
    """Names of the devices that can be listened to, as --device takes them. Raises AudioError when there is no way to any."""
    sounddevice = _sounddevice()
    names = [str(device["name"]) for device in sounddevice.query_devices() if device["max_input_channels"] > 0]
    if not names:
        raise AudioError("This computer has no microphone, or none that the system tells of. Connect one.")
    return list(dict.fromkeys(names))


def _sounddevice():
    """The library, or an AudioError that says what is missing."""
    try:
        import sounddevice
    except OSError as error:
        raise AudioError("The microphone needs the PortAudio library, which is not installed. On Debian and Ubuntu: "
                         "apt install libportaudio2; on Fedora: dnf install portaudio.") from error
    except ImportError as error:
        raise AudioError("The microphone needs the package sounddevice: pip install sounddevice.") from error
    return sounddevice


class _MicrophoneClock:
    """Finds lost samples: after an overflow the driver's clock has run on further than the samples say."""

    def __init__(self) -> None:
        self._expected_s: float | None = None

    def lost(self, adc_s: float, frames: int, overflow: bool) -> int:
        """Samples missing before a block of `frames` whose first one was taken at `adc_s`."""
        missing = 0
        if overflow and self._expected_s is not None:
            missing = max(round((adc_s - self._expected_s) * SAMPLE_RATE_HZ), 0)
        self._expected_s = adc_s + frames / SAMPLE_RATE_HZ
        return missing


class _Resampler:
    """Chunks at another rate -> chunks at 16 kHz, joined without a click and without delay.

    soxr's better filters keep 12 - 37 ms to themselves; its quickest keeps nothing, but must be given nothing it would alias.
    """

    def __init__(self, rate_hz: int) -> None:
        self._stream = None
        if rate_hz != SAMPLE_RATE_HZ:
            import soxr
            self._stream = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="QQ")
        self._sections = butter(8, HIGHEST_KEPT_HZ, fs=rate_hz, output="sos") if rate_hz > SAMPLE_RATE_HZ else None
        self._state = np.zeros((4, 2))

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        if self._sections is not None:
            samples, self._state = sosfilt(self._sections, samples, zi=self._state)
        return samples if self._stream is None else self._stream.resample_chunk(samples.astype(np.float32))


def _as_they_come(read: Callable[[Callable[[np.ndarray, int], None]], None], *, waits: bool) -> Iterator[Chunk]:
    """Run `read(put)` in a thread of its own and give out what it puts; silence in its place when nothing comes.

    waits: whether the sender can wait for a busy computer (a pipe); a microphone cannot, and its oldest chunks are given up.

    What comes after a stall goes on from the present moment: the audio's clock never falls behind the wall's.
    """
    waiting: queue.Queue = queue.Queue(MOST_WAITING)
    given_up = 0

    def put(samples: np.ndarray, lost: int) -> None:
        nonlocal given_up
        if waiting.full() and not waits:
            with contextlib.suppress(queue.Empty):
                oldest, also_lost, _ = waiting.get_nowait()
                given_up += len(oldest) + also_lost
        waiting.put((samples, lost + given_up, time.perf_counter()))
        given_up = 0

    def work() -> None:
        try:
            read(put)
            waiting.put(None)
        except Exception as error:  # carried over to the reader's thread, which raises it
            waiting.put(error)

    threading.Thread(target=work, daemon=True, name="live sound").start()
    start_s, count, held = None, 0, []
    while True:
        try:
            item = held.pop() if held else waiting.get(timeout=STALL_S if start_s is not None else None)
        except queue.Empty:
            missing = round((time.perf_counter() - start_s - STALL_S) * SAMPLE_RATE_HZ) - count
            if missing > 0:
                count += missing
                yield Chunk(np.empty(0, np.float32), missing, time.perf_counter())
            continue
        if item is None:
            return
        if isinstance(item, Exception):
            raise item
        chunk = Chunk(*item)
        start_s = chunk.due_s - (len(chunk.samples) + chunk.lost) / SAMPLE_RATE_HZ if start_s is None else start_s
        chunk, held = _with_what_waits(chunk, waiting)
        count += len(chunk.samples) + chunk.lost
        yield chunk


def _with_what_waits(chunk: Chunk, waiting: queue.Queue) -> tuple[Chunk, list]:
    """`chunk` and what has come since, as far as nothing is lost in between, as one; and what comes next, if it is something else."""
    parts, due_s, most = [chunk.samples], chunk.due_s, round(LARGEST_CHUNK_S * SAMPLE_RATE_HZ)
    held = []
    while sum(map(len, parts)) < most and not held:
        try:
            item = waiting.get_nowait()
        except queue.Empty:
            break
        if isinstance(item, tuple) and not item[1]:
            parts.append(item[0])
            due_s = item[2]
        else:
            held.append(item)
    return Chunk(np.concatenate(parts), chunk.lost, due_s), held


def open_source(name: str, *, fast: bool = False, rate_hz: int = SAMPLE_RATE_HZ, device: str = "") -> Iterator[Chunk]:
    """`mic`, `stdin`, or the path of a file. Raises InputError, AudioError."""
    if name == "mic":
        return microphone_source(device)
    if name == "stdin":
        return stream_source(sys.stdin.buffer, rate_hz)
    return file_source(Path(name), fast=fast)
