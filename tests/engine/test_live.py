"""Live: the same frames whatever the chunks, on the audio's clock, soon after the sound, and through gaps in it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from fractions import Fraction
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import soundfile

from soliloquy.engine.audio.decode import SAMPLE_RATE_HZ, read_audio
from soliloquy.engine.audio.mel import mel_power
from soliloquy.engine.audio.say import say
from soliloquy.engine.audio.weights import run_stack
from soliloquy.engine.errors import AudioError, InputError
from soliloquy.engine.live import sources
from soliloquy.engine.live.ear import LAYERS, LOOK_AHEAD_SAMPLES
from soliloquy.engine.live.eyes import LiveBlinks
from soliloquy.engine.live.moments import Moments
from soliloquy.engine.live.performance import LONGEST_CONCEALED_S, Frame, LivePerformance
from soliloquy.engine.live.run import Lateness, Report, perform
from soliloquy.engine.live.sinks import header, line, open_sink
from soliloquy.engine.live.spectra import RunningSpectra
from soliloquy.engine.live.stack import RunningStack, look_ahead
from soliloquy.engine.motion.clip import ARKIT_CHANNELS, CHANNEL_INDEX
from soliloquy.engine.motion.direction import Direction

TEXT = "Open the door, father. I am calling. Papa may be home by now."
JAW = CHANNEL_INDEX["jawOpen"]
SOLILOQUY = [sys.executable, "-c", "from soliloquy.engine.cli import main; main()"]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """A line with a second of quiet room before and after."""
    path = tmp_path_factory.mktemp("live") / "line.wav"
    say(TEXT, path)
    room = np.random.default_rng(0).normal(0.0, 1e-4, SAMPLE_RATE_HZ).astype(np.float32)
    samples = np.concatenate([room, read_audio(path), room])
    soundfile.write(path, samples, SAMPLE_RATE_HZ, subtype="PCM_16")
    return path, read_audio(path)


def live(samples, chunk: int = 160, *, direction: Direction | None = None, seed: int = 1, fps=30) -> list[Frame]:
    performance = LivePerformance(direction or Direction(), seed=seed, fps=Fraction(fps))
    frames = [frame for start in range(0, len(samples), chunk) for frame in performance.push(samples[start : start + chunk])]
    return frames + list(performance.finish())


def channel(frames, name: str) -> np.ndarray:
    return np.array([frame.channels[CHANNEL_INDEX[name]] for frame in frames])


@pytest.fixture(scope="module")
def frames(spoken):
    return live(spoken[1])


# What it computes


def test_running_spectra_are_the_offline_ones(spoken):
    spectra = RunningSpectra()
    running = np.concatenate([spectra.push(part) for part in np.array_split(spoken[1], 77)])
    assert np.allclose(running, mel_power(spoken[1])[: len(running)], rtol=1e-4, atol=1e-9)


def test_a_running_stack_gives_what_the_whole_recording_gives():
    rng = np.random.default_rng(0)
    shapes = [(8, 5 if n == 0 else 8, past + ahead + 1) for n, (past, ahead, _) in enumerate(LAYERS)]
    weights = {f"net.{n}.weight": rng.normal(0.0, 0.3, shape).astype(np.float32) for n, shape in enumerate(shapes)}
    weights |= {f"net.{n}.bias": rng.normal(0.0, 0.3, 8).astype(np.float32) for n in range(len(LAYERS))}
    weights |= {"net.out.weight": rng.normal(size=(2, 8, 1)).astype(np.float32), "net.out.bias": np.ones(2, np.float32)}
    x = rng.standard_normal((120, 5)).astype(np.float32)
    running = RunningStack(weights, "net", LAYERS)
    out = np.concatenate([running.push(part) for part in np.split(x, [1, 2, 3, 40, 41, 90])])
    assert len(out) == len(x) - look_ahead(LAYERS)
    assert np.allclose(out, run_stack(x, weights, "net", LAYERS)[: len(out)], atol=1e-5), "equal but for the end nobody knows yet"


@pytest.mark.parametrize("chunk", [97, 1600, 16000])
def test_the_frames_do_not_depend_on_the_chunks(spoken, frames, chunk):
    others = live(spoken[1], chunk)
    assert [f.number for f in others] == [f.number for f in frames]
    for one, other in zip(frames, others):
        assert np.allclose(one.channels, other.channels, atol=1e-5) and np.allclose(one.gaze_deg, other.gaze_deg)
        assert np.allclose(one.head_rotation_deg, other.head_rotation_deg)


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), 25, 60])
def test_every_frame_has_its_place_on_the_audio_clock(spoken, fps):
    taken = live(spoken[1], fps=fps)
    assert [frame.number for frame in taken] == list(range(int(len(spoken[1]) / SAMPLE_RATE_HZ * fps) + 1))
    assert all(frame.time_s == float(frame.number / Fraction(fps)) for frame in taken)


def test_a_frame_is_known_within_80_ms_of_sound(spoken):
    performance, latest = LivePerformance(Direction(), seed=0, fps=Fraction(60)), 0.0
    for start in range(0, 3 * SAMPLE_RATE_HZ, 160):
        for frame in performance.push(spoken[1][start : start + 160]):
            latest = max(latest, performance.audio_s - frame.time_s)
    assert LOOK_AHEAD_SAMPLES / SAMPLE_RATE_HZ == pytest.approx(0.056) and latest <= 0.056 + 0.02 + 0.01 + 1e-9


def test_the_mouth_speaks_and_rests(frames, spoken):
    jaw = channel(frames, "jawOpen")
    assert np.percentile(jaw[33:-33], 90) > 0.2, "it opens"
    assert jaw[5:24].max() < 0.08 and jaw[-12:].max() < 0.08, "a quiet room leaves it shut, but for a breath"
    assert channel(frames, "mouthRollUpper")[33:-33].max() > 0.35, "it seals"
    assert (channel(frames, "mouthClose") <= jaw + 1e-6).all()


def test_a_loud_room_says_nothing():
    noise = np.random.default_rng(3).normal(0.0, 0.02, 4 * SAMPLE_RATE_HZ).astype(np.float32)
    assert channel(live(noise, direction=Direction(breath=0.0)), "jawOpen")[30:].mean() < 0.03


def test_level_does_not_matter(spoken):
    loud, soft = (channel(live(spoken[1] * gain), "jawOpen") for gain in (1.0, 0.1))
    assert np.corrcoef(loud, soft)[0, 1] > 0.9 and 0.7 < soft.mean() / loud.mean() < 1.3


# The life around it


def test_same_seed_same_take_another_seed_another_take(spoken, frames):
    again, other = live(spoken[1]), live(spoken[1], seed=2)
    rotation = [np.array([f.head_rotation_deg for f in take]) for take in (frames, again, other)]
    assert np.array_equal(rotation[0], rotation[1]) and np.abs(rotation[0] - rotation[2]).mean() > 0.5
    assert np.allclose(channel(frames, "mouthRollUpper"), channel(other, "mouthRollUpper")), "the lips say the same"


@pytest.fixture(scope="module")
def talk(spoken):
    """A minute: the line ten times over."""
    return np.tile(spoken[1], 12)[: 60 * SAMPLE_RATE_HZ]


@pytest.fixture(scope="module")
def minute(talk):
    return live(talk, 1600, fps=25)


def test_a_minute_looks_alive(minute):
    rotation = np.array([frame.head_rotation_deg for frame in minute])
    assert ((1.5 < rotation.std(axis=0)) & (rotation.std(axis=0) < 9.0)).all()
    assert 0.3 < np.abs(np.diff(rotation, axis=0)).mean() < 0.6
    lids = channel(minute, "eyeBlinkLeft") > 0.35
    assert 10 <= np.sum(lids[1:] & ~lids[:-1]) <= 36
    gaze = np.array([frame.gaze_deg for frame in minute]) + rotation[:, None, :2]
    assert 0.02 < np.mean(np.hypot(*gaze.mean(axis=1).T) > 3.5) < 0.5, "it looks away at times, and back"
    assert channel(minute, "browInnerUp").max() > 0.1


@pytest.mark.parametrize(("setting", "still"), [
    ({"blinks": 0.0}, lambda f: channel(f, "eyeBlinkLeft").max()),
    ({"head": 0.0}, lambda f: np.ptp([frame.head_rotation_deg for frame in f], axis=0).max()),
    ({"brows": 0.0}, lambda f: channel(f, "browInnerUp").max()),
    ({"jaw": 0.0}, lambda f: channel(f, "jawOpen").max()),
    ({"gaze": 0.0}, lambda f: np.ptp([frame.gaze_deg for frame in f], axis=0).max()),
])
def test_each_amount_stills_its_part(spoken, setting, still):
    assert still(live(spoken[1], 1600, direction=Direction(**setting))) == pytest.approx(0.0, abs=1e-6)


def test_blinks_are_drawn_to_pauses():
    """Ten minutes with a pause every four seconds: chance would put one blink in two hundred on the hop where it begins."""
    lids, pauses = LiveBlinks(1, 22.0, 0.04), [Moments(began_pause=hop % 200 == 0) for hop in range(30_000)]
    onsets = [hop for hop, moments in enumerate(pauses) if began(lids, hop * 0.02, moments)]
    assert 15 < len(onsets) / 10 < 30
    assert np.mean([pauses[hop].began_pause for hop in onsets]) > 0.05


def began(lids: LiveBlinks, time_s: float, moments: Moments) -> bool:
    last_s = lids.last_s
    lids.step(time_s, moments, 0.0)
    return lids.last_s != last_s


# Gaps


def test_a_gap_closes_the_mouth_and_the_face_goes_on(spoken):
    samples = spoken[1]
    at = 2 * SAMPLE_RATE_HZ
    lost = round(0.7 * SAMPLE_RATE_HZ)
    performance = LivePerformance(Direction(breath=0.0), seed=1, fps=Fraction(30))
    taken = list(performance.push(samples[:at]))
    taken += performance.push(samples[at + lost :], lost=lost)
    taken += performance.finish()
    assert [frame.number for frame in taken] == list(range(len(taken))) and len(taken) == len(live(samples))
    concealed = [frame for frame in taken if frame.concealed]
    assert len(concealed) == pytest.approx(21, abs=1) and concealed[0].time_s == pytest.approx(2.0, abs=0.04)
    assert concealed[-1].channels[JAW] < 0.02, "the mouth has closed"
    assert np.ptp([frame.head_rotation_deg for frame in concealed], axis=0).max() > 0.2, "the head goes on"
    whole = channel(live(samples, direction=Direction(breath=0.0)), "jawOpen")
    after = slice(round(2.7 * 30) + 20, -20)
    assert np.corrcoef(channel(taken, "jawOpen")[after], whole[after])[0, 1] > 0.9, "and it speaks on, on the same clock"


def test_a_long_gap_is_leapt_over(spoken):
    performance = LivePerformance(Direction(), seed=1, fps=Fraction(30))
    before = list(performance.push(spoken[1][:SAMPLE_RATE_HZ]))
    after = list(performance.push(spoken[1][SAMPLE_RATE_HZ : 3 * SAMPLE_RATE_HZ], lost=3600 * SAMPLE_RATE_HZ))
    numbers = [frame.number for frame in before + after]
    assert numbers == sorted(set(numbers)) and numbers[-1] == pytest.approx(3603 * 30, abs=4)
    assert len(after) < (LONGEST_CONCEALED_S + 3) * 30 and performance.audio_s == pytest.approx(3603.0)


def test_a_stalled_pipe_is_concealed_in_real_time():
    reading, writing = os.pipe()
    second = np.zeros(8000, "<i2").tobytes()

    def speak() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            pipe.write(second[:3200])
            time.sleep(0.5)
            pipe.write(second[:3200])

    threading.Thread(target=speak).start()
    with os.fdopen(reading, "rb") as pipe:
        chunks = list(sources.stream_source(pipe, SAMPLE_RATE_HZ))
    lost = sum(chunk.lost for chunk in chunks)
    assert sum(len(chunk.samples) for chunk in chunks) == 3200 and 0.1 < lost / SAMPLE_RATE_HZ < 0.6


def test_an_overflowing_microphone_tells_what_was_lost():
    clock = sources._MicrophoneClock()
    assert clock.lost(10.0, 160, False) == 0
    assert clock.lost(10.01, 160, False) == 0
    assert clock.lost(10.07, 160, True) == 800


# In and out


def test_who_is_late_takes_all_that_has_come(monkeypatch):
    clock = SimpleNamespace(now_s=0.0)
    clock.perf_counter, clock.sleep = lambda: clock.now_s, lambda s: setattr(clock, "now_s", clock.now_s + s)
    monkeypatch.setattr(sources, "time", clock)
    paced = sources._paced(np.arange(3 * SAMPLE_RATE_HZ, dtype=np.float32), fast=False)
    first = next(paced)
    clock.now_s += 0.205
    late = next(paced)
    clock.now_s += 2.0
    very_late, rest = next(paced), list(paced)
    assert [len(chunk.samples) for chunk in (first, late, very_late)] == [160, 20 * 160, round(sources.LARGEST_CHUNK_S * SAMPLE_RATE_HZ)]
    assert late.due_s == pytest.approx(0.21) and very_late.due_s == pytest.approx(0.71)
    together = np.concatenate([chunk.samples for chunk in (first, late, very_late, *rest)])
    assert np.array_equal(together, np.arange(3 * SAMPLE_RATE_HZ)) and len(rest[-1].samples) == 160, "late no more at the end"


def test_other_rates_are_heard_alike(spoken):
    high = np.interp(np.arange(0, len(spoken[1]), 1 / 3), np.arange(len(spoken[1])), spoken[1])
    raw = io.BufferedReader(io.BytesIO((high * 32767).astype("<i2").tobytes()))
    heard = np.concatenate([chunk.samples for chunk in sources.stream_source(raw, 48000)])
    assert len(heard) == pytest.approx(len(spoken[1]), abs=32)
    three = slice(3 * SAMPLE_RATE_HZ)
    assert np.corrcoef(*(channel(live(samples[three]), "jawOpen") for samples in (heard, spoken[1])))[0, 1] > 0.95
    with pytest.raises(InputError):
        sources.stream_source(raw, 100)


def test_without_portaudio_the_microphone_says_what_to_install(monkeypatch):
    class Absent:
        def find_spec(self, name, path=None, target=None):
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    with pytest.raises(AudioError, match="libportaudio2"):
        sources.microphone_source()


def test_a_microphone_is_read_in_chunks(spoken, monkeypatch):
    """A stand-in for the driver, with its calling convention: blocks, a clock, and one overflow."""
    class InputStream:
        def __init__(self, rate, block, device, channels, kind, latency, *, callback):
            assert (rate, channels, kind) == (SAMPLE_RATE_HZ, 1, "float32")
            self.block, self.callback = block, callback

        def __enter__(self):
            for number in range(20):
                data = spoken[1][number * self.block : (number + 1) * self.block, None]
                late = 0.05 * (number >= 10)
                moment = SimpleNamespace(inputBufferAdcTime=5.0 + number * self.block / SAMPLE_RATE_HZ + late)
                self.callback(data, self.block, moment, SimpleNamespace(input_overflow=number == 10))
            raise RuntimeError("unplugged")

        def __exit__(self, *error):
            pass

    library = ModuleType("sounddevice")
    library.InputStream, library.PortAudioError = InputStream, RuntimeError
    library.check_input_settings = lambda *arguments, **named: None
    monkeypatch.setitem(sys.modules, "sounddevice", library)
    chunks = []
    with pytest.raises(AudioError, match="unplugged"):
        for chunk in sources.microphone_source("2"):
            chunks.append(chunk)
    assert np.array_equal(np.concatenate([chunk.samples for chunk in chunks]), spoken[1][: 20 * 160])
    before = np.cumsum([0, *(len(chunk.samples) for chunk in chunks)])
    assert [(start, chunk.lost) for start, chunk in zip(before, chunks) if chunk.lost] == [(10 * 160, 800)]


def test_the_stream_of_lines(spoken, frames, tmp_path):
    out = tmp_path / "motion.jsonl"
    sink = open_sink("jsonl", str(out), stdout=sys.stdout, fps=Fraction(30), seed=1)
    report = Report()
    perform(LivePerformance(Direction(), seed=1, fps=Fraction(30)), sources.file_source(spoken[0], fast=True), sink, report, paced=False)
    sink.close()
    first, *rest = map(json.loads, out.read_text().splitlines())
    assert first["format"] == "soliloquy-live" and Fraction(first["fps"]) == 30 and first["channels"] == list(ARKIT_CHANNELS)
    assert len(rest) == len(frames) == report.frames
    for record, frame in zip(rest, frames):
        assert record["frame"] == frame.number and list(record["channels"]) == list(ARKIT_CHANNELS)
        assert np.allclose(list(record["channels"].values()), frame.channels, atol=1e-4)
        assert np.allclose(record["gaze_deg"], frame.gaze_deg, atol=1e-3)
    assert json.loads(header(Fraction(24000, 1001), 0))["fps"] == "24000/1001" and "\n" not in line(frames[0])


def test_the_command_reads_samples_from_a_pipe(spoken):
    raw = (spoken[1] * 32767).astype("<i2").tobytes()
    done = subprocess.run([*SOLILOQUY, "live", "--in", "stdin", "--fps", "25"], input=raw, capture_output=True)
    lines = [json.loads(text) for text in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert lines[-1]["event"] == "result" and lines[-1]["frames"] == len(lines) - 2
    assert max(record["channels"]["jawOpen"] for record in lines[1:-1]) > 0.2


def test_lateness_is_counted_in_flat_memory():
    lateness = Lateness()
    for late_ms in range(1, 101):
        lateness.note(late_ms / 1000.0)
    assert (lateness.percentile_ms(0.5), lateness.percentile_ms(0.95), lateness.percentile_ms(1.0)) == (50, 95, 100)


def test_a_paced_file_keeps_real_time(spoken, tmp_path):
    short = tmp_path / "short.wav"
    soundfile.write(short, spoken[1][SAMPLE_RATE_HZ : 2 * SAMPLE_RATE_HZ], SAMPLE_RATE_HZ)
    started, report = time.perf_counter(), Report()
    perform(LivePerformance(Direction(), seed=1, fps=Fraction(30)), sources.file_source(short), SimpleNamespace(send=lambda f: None), report)
    assert time.perf_counter() - started >= 0.99 and report.lateness.percentile_ms(0.5) >= 56
