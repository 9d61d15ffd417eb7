"""Score the phone network, frame by frame, against pocketsphinx: how often the right viseme group (docs/models.md has the table).

    python -m soliloquy.engine.training.measure_phones DATA VOICES WORK [--weights FILE] [--quick]

DATA and VOICES are the folders of docs/models.md; WORK is that of build_phones (its held-out voices, kept alignments). festival
must be installed for the recorded voices of other languages, and the packages of measure_phones_words.py for German and Korean.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from ..audio import phone_stream
from ..audio.decode import read_audio
from ..audio.features import energy_db
from ..audio.follow import follow_text
from ..audio.mel import mel_power
from ..audio.phone_stream import hear_phones, hear_recording
from ..audio.speech import HOP_S, Phone
from ..audio.phones import FoundPhones, find_phones
from ..audio.sphinx_phones import sphinx_phones
from ..audio.textgrid import read_textgrid
from ..audio.tongues import pronouncer, words_of
from ..audio.weights import from_safetensors
from .build_phones_data import UNKNOWN, VISEME_GROUPS, VISEME_OF_CLASS, viseme_of_label
from .measure_phones_cases import Case, degraded, festival_voices, held_out_voices, mandarin, prompts, real_english, textgrid_case
from .measure_phones_words import single_words

KINDS = ("as recorded", "noise 10 dB", "room", "telephone", "music 5 dB", "sung", "shouted")
MOST_DEGRADED_S = 150.0


def main() -> None:
    """Command line: DATA, VOICES, WORK, --weights, --quick."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("data", "voices", "work"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--weights", type=Path, help="score this file instead of the shipped weights")
    parser.add_argument("--quick", action="store_true", help="the network alone, without pocketsphinx")
    wishes = parser.parse_args()
    if wishes.weights:
        weights = from_safetensors(wishes.weights.read_bytes())
        phone_stream.shipped_weights = lambda *_: weights
    systems = {"network": network_frames} | ({} if wishes.quick else {"both": product_visemes, "sphinx": sphinx_visemes})
    print(f"{'set':34s}{'s':>6s}" + "".join(f"{name:>9s} (all)" for name in systems) + "   % of frames with the right viseme group")
    english = list(real_english(wishes.data, wishes.voices, wishes.work))
    for set_name in dict.fromkeys(case.set for case in english):
        _row(f"English, {set_name}", [case for case in english if case.set == set_name], systems)
    _row("English, all of these", english, systems)
    rng, some = np.random.default_rng(0), _share(english, MOST_DEGRADED_S)
    guitar = read_audio(wishes.voices / "sing_lets_go_fishin.opus")[: 5 * 16000]
    for kind in KINDS:
        _row(f"English, {kind}", [degraded(case, kind, rng, guitar) for case in some], systems)
    others = [*mandarin(wishes.data), *single_words(wishes.voices), *prompts(wishes.work), *festival_voices(), *held_out_voices(wishes.work)]
    for set_name, language in dict.fromkeys((case.set, case.language) for case in others):
        _row(f"{language}, {set_name}", [c for c in others if (c.set, c.language) == (set_name, language)], systems)
    print("\nwith the text: % of frames with the right viseme group (speech, all); words found; error of their starts: median, 90 % (ms)")
    aligners = {"network": _network_with_text} | ({} if wishes.quick else {"sphinx": _sphinx_with_text})
    for name, find in aligners.items():
        _with_text(name, find, wishes.data / "phones" / "mfa_tests")
    _speed(english)


def _share(cases: list[Case], most_s: float) -> list[Case]:
    """Every n-th case, so that all sets stay in."""
    step = max(int(sum(len(case.samples) for case in cases) / 16000 / most_s + 0.999), 1)
    return cases[::step]


def _row(name: str, cases: Iterable[Case], systems: dict[str, Callable[[np.ndarray], np.ndarray]]) -> None:
    """Print one line: of the frames in which something is said (and of all frames) how many get the right group."""
    cases = list(cases)
    cells = []
    for find in systems.values():
        right = total = right_all = total_all = 0
        for case in cases:
            found = find(case.samples)
            count = min(len(found), len(case.visemes))
            truth, found = case.visemes[:count], found[:count]
            known = truth != UNKNOWN
            said = known & (truth != len(VISEME_GROUPS))
            right, total = right + (found == truth)[said].sum(), total + said.sum()
            right_all, total_all = right_all + (found == truth)[known].sum(), total_all + known.sum()
        cells.append(f"{100 * right / total:9.1f} {100 * right_all / total_all:5.1f}")
    print(f"{name:34s}{sum(len(case.samples) for case in cases) / 16000:6.0f}" + "".join(cells), flush=True)


def network_frames(samples: np.ndarray) -> np.ndarray:
    """(T,) the likeliest viseme group of each frame, nothing decoded."""
    rows = hear_phones(samples, mel_power(samples)).astype(np.float32)
    return np.argmax(rows @ np.eye(len(VISEME_GROUPS) + 1)[VISEME_OF_CLASS], axis=1)


def product_visemes(samples: np.ndarray) -> np.ndarray:
    """(T,) viseme groups of the phones as `analyse_speech` finds them without text: the network and pocketsphinx together."""
    found = find_phones(samples, hear_recording(samples, mel_power(samples)), energy_db(samples))
    return _visemes(found.phones, len(samples))


def sphinx_visemes(samples: np.ndarray) -> np.ndarray:
    """(T,) viseme groups of pocketsphinx without text: English words where they fit, a phone loop elsewhere."""
    return _visemes(sphinx_phones(samples, energy_db(samples)).phones, len(samples))


def _network_with_text(samples: np.ndarray, text: str) -> FoundPhones:
    posteriors, levels_db = hear_phones(samples, mel_power(samples)), energy_db(samples)
    followed = follow_text(posteriors, levels_db, len(samples) / 16000, words_of(text, "en"), pronouncer("en"))
    return FoundPhones(followed.phones, followed.words)


def _sphinx_with_text(samples: np.ndarray, text: str) -> FoundPhones:
    return sphinx_phones(samples, energy_db(samples), text)


def _with_text(name: str, find: Callable[[np.ndarray, str], FoundPhones], folder: Path) -> None:
    """Against the Montreal Forced Aligner's TextGrids: one row."""
    errors, right, total, right_all, total_all, words = [], 0, 0, 0, 0, 0
    for stem in ("acoustic_corpus", "cold_corpus", "cold_corpus3"):
        tiers = {tier.name: tier for tier in read_textgrid(folder / f"{stem}.TextGrid")}
        truth = [(text, start_s) for start_s, _, text in tiers["words"].intervals if text.strip()]
        case = textgrid_case(folder / f"{stem}.TextGrid", folder / f"{stem}.flac", stem)
        found = find(case.samples, " ".join(text for text, _ in truth))
        visemes = _visemes(found.phones, len(case.samples))[: len(case.visemes)]
        known, said = case.visemes != UNKNOWN, (case.visemes != UNKNOWN) & (case.visemes != len(VISEME_GROUPS))
        right, total = right + (visemes == case.visemes)[said].sum(), total + said.sum()
        right_all, total_all = right_all + (visemes == case.visemes)[known].sum(), total_all + known.sum()
        words += len(truth)
        pairs = SequenceMatcher(None, [t for t, _ in truth], [w.text for w in found.words], autojunk=False).get_matching_blocks()
        errors += [
            1000 * abs(truth[block.a + k][1] - found.words[block.b + k].start_s) for block in pairs for k in range(block.size)
        ]
    print(f"{name:10s}{100 * right / total:7.1f} {100 * right_all / total_all:5.1f}   {len(errors)} of {words}"
          f"   {np.median(errors):.0f} {np.percentile(errors, 90):.0f}")


def _visemes(phones: list[Phone], count: int) -> np.ndarray:
    visemes = np.full(count // 160 + 1, len(VISEME_GROUPS))
    for phone in phones:
        visemes[round(phone.start_s / HOP_S) : round(phone.end_s / HOP_S)] = viseme_of_label(phone.label)
    return visemes


def _speed(cases: list[Case]) -> None:
    samples = np.concatenate([case.samples for case in cases])[: 120 * 16000]
    power, times = mel_power(samples), []
    for _ in range(3):
        began_s = time.process_time()
        hear_phones(samples, power)
        times.append(time.process_time() - began_s)
    print(f"network: {len(samples) / 16000 / np.median(times):.0f} x real time (processor time, one core)")


if __name__ == "__main__":
    main()
