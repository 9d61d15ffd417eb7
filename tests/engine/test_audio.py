"""Reading recordings: every container gives the same sound, every unusable file one clear line."""

from __future__ import annotations

import subprocess
import wave

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from soliloquy.engine.audio.chunks import LONGEST_CHUNK_S, quiet_runs, split_at_pauses
from soliloquy.engine.audio.decode import SAMPLE_RATE_HZ, read_audio
from soliloquy.engine.audio.features import energy_db, f0_hz
from soliloquy.engine.audio.say import say
from soliloquy.engine.errors import AudioError, Cancelled, InputError, OutputError


def ffmpeg(*arguments) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)], check=True)


def tone(seconds: float, rate: int = SAMPLE_RATE_HZ, hz: float = 200.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    path = tmp_path_factory.mktemp("audio") / "line.wav"
    say("My mother bought a big blue boat.", path)
    return path


@pytest.mark.parametrize(
    "name, options",
    [
        ("a.mp3", []),
        ("a.m4a", []),
        ("a.ogg", []),
        ("a.flac", []),
        ("a.opus", []),
        ("a.webm", ["-c:a", "libopus"]),
        ("eight_bit.wav", ["-c:a", "pcm_u8"]),
        ("deep.wav", ["-c:a", "pcm_s24le", "-ar", "96000"]),
        ("float.wav", ["-c:a", "pcm_f32le"]),
        ("phone.wav", ["-c:a", "pcm_mulaw", "-ar", "8000"]),
        ("surround.wav", ["-ac", "6", "-ar", "48000"]),
        ("stereo.aiff", ["-ac", "2"]),
    ],
)
def test_every_format_gives_the_same_sound_at_the_same_time(spoken, tmp_path, name, options):
    ffmpeg("-i", spoken, *options, tmp_path / name)
    reference, samples = read_audio(spoken), read_audio(tmp_path / name)
    assert samples.dtype == np.float32 and samples.ndim == 1
    assert abs(len(samples) - len(reference)) < 0.06 * SAMPLE_RATE_HZ
    loudness, expected = energy_db(samples), energy_db(reference)
    count = min(len(loudness), len(expected))
    lags = [np.corrcoef(np.roll(loudness[:count], lag), expected[:count])[0, 1] for lag in range(-5, 6)]
    assert abs(int(np.argmax(lags)) - 5) <= 1 and max(lags) > 0.9


def test_a_video_keeps_the_time_of_its_sound(spoken, tmp_path):
    video = tmp_path / "late.mp4"
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "color=c=gray:s=64x64:r=25:d=4",
        "-itsoffset",
        "1.0",
        "-i",
        spoken,
        "-c:v",
        "mpeg4",
        "-c:a",
        "aac",
        video,
    )
    samples = read_audio(video)
    assert np.abs(samples[: int(0.9 * SAMPLE_RATE_HZ)]).max() < 0.01
    assert np.abs(samples[SAMPLE_RATE_HZ:]).max() > 0.1


def test_stereo_is_mixed_without_clipping(tmp_path):
    soundfile.write(
        tmp_path / "loud.wav", np.ones((SAMPLE_RATE_HZ, 2), np.float32) * tone(1.0)[:, None] * 3.2, SAMPLE_RATE_HZ
    )
    assert np.abs(read_audio(tmp_path / "loud.wav")).max() <= 1.0


def _write(path, samples, rate=SAMPLE_RATE_HZ):
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path


def test_shortest_recording_is_read(tmp_path):
    assert len(read_audio(_write(tmp_path / "short.wav", tone(0.2)))) == round(0.2 * SAMPLE_RATE_HZ)


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda x: x[:1600], "at least 0.2 s"),
        (lambda x: x * 0.0, "silent from beginning to end"),
        (lambda x: np.where(np.arange(len(x)) == 5000, np.nan, x), "not numbers"),
        (lambda x: np.where(np.arange(len(x)) == 5000, np.inf, x), "not numbers"),
        (lambda x: x[:0], "length zero"),
    ],
)
def test_unusable_samples_are_refused_with_the_reason(tmp_path, spoil, words):
    path = _write(tmp_path / "bad.wav", spoil(tone(1.0)).astype(np.float32))
    with pytest.raises(AudioError, match=words) as caught:
        read_audio(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["wav", "mp3", "flac", "m4a"])
def test_a_file_cut_in_half_is_refused(spoken, tmp_path, suffix):
    whole = tmp_path / f"whole.{suffix}"
    ffmpeg("-i", spoken, whole)
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(AudioError, match="cut off|damaged"):
        read_audio(cut)


def test_other_unreadable_files_are_refused(tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("this is not sound" * 100)
    ffmpeg("-f", "lavfi", "-i", "color=c=gray:s=64x64:r=25:d=1", "-c:v", "mpeg4", tmp_path / "mute.mp4")
    for name, words in (
        ("empty.wav", "0 bytes"),
        ("text.wav", "not a sound"),
        ("mute.mp4", "no sound track"),
        ("gone.wav", "not a file"),
    ):
        with pytest.raises(AudioError, match=words):
            read_audio(tmp_path / name)
    with pytest.raises(AudioError, match="not a file"):
        read_audio(tmp_path)


def test_more_than_two_hours_are_refused(tmp_path):
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(1000)
        file.writeframes(np.random.default_rng(0).integers(0, 255, 7_201_000, np.uint8).tobytes())
    with pytest.raises(AudioError, match="longer than 2 hours"):
        read_audio(tmp_path / "long.wav")


def test_reading_can_be_cancelled(spoken):
    def stop(stage, done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        read_audio(spoken, progress=stop)


def test_a_dash_in_front_of_a_name_is_no_option(spoken, tmp_path, monkeypatch):
    (tmp_path / "-y.wav").write_bytes(spoken.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert len(read_audio("-y.wav")) > SAMPLE_RATE_HZ


def test_loudness_and_pitch_of_known_sounds():
    samples = np.concatenate([tone(1.0), np.zeros(SAMPLE_RATE_HZ, np.float32), 0.1 * tone(1.0, hz=150.0)])
    levels = energy_db(samples)
    assert len(levels) == 301
    assert levels[50] == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.2)
    assert levels[150] == pytest.approx(-100.0, abs=0.1)
    pitch = f0_hz(samples, levels)
    assert pitch[50] == pytest.approx(200.0, rel=0.02) and pitch[250] == pytest.approx(150.0, rel=0.02)
    assert not pitch[110:190].any()


def test_noise_has_no_pitch():
    noise = np.random.default_rng(1).standard_normal(2 * SAMPLE_RATE_HZ).astype(np.float32) * 0.1
    assert np.mean(f0_hz(noise, energy_db(noise)) > 0) < 0.1


def test_quiet_is_found_where_it_is_and_cuts_go_there():
    rng = np.random.default_rng(2)
    samples = rng.standard_normal(50 * SAMPLE_RATE_HZ).astype(np.float32) * 0.1
    for second in (15, 31):
        samples[second * SAMPLE_RATE_HZ : (second + 1) * SAMPLE_RATE_HZ] *= 0.001
    levels = energy_db(samples)
    assert np.allclose(quiet_runs(levels), [(15.0, 16.0), (31.0, 32.0)], atol=0.03)
    pieces = split_at_pauses(levels, 50.0)
    assert pieces[0][0] == 0.0 and pieces[-1][1] == 50.0
    assert all(before[1] == after[0] for before, after in zip(pieces, pieces[1:]))
    assert all(end - start <= LONGEST_CHUNK_S for start, end in pieces)
    assert all(15.0 <= cut <= 16.0 or 31.0 <= cut <= 32.0 for _, cut in pieces[:2])


def test_say_speaks_repeatably_and_refuses_nothing_to_say(tmp_path):
    seconds = say("Good morning.", tmp_path / "one.wav")
    say("Good morning.", tmp_path / "two.wav")
    assert 0.5 < seconds < 5.0
    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()
    for text in ("", "  \n", "..."):
        with pytest.raises(InputError):
            say(text, tmp_path / "none.wav")
    with pytest.raises(InputError):
        say("hello", tmp_path / "voice.mp3")
    with pytest.raises(InputError):
        say("hello", tmp_path / "voice.wav", speed=9.0)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(OutputError):
        say("hello", tmp_path / "folder.wav")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.wav", "one.wav", "two.wav"]
