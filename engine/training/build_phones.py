"""Build engine/assets/phones.safetensors: the streaming phone network.

Run during development only:

    python -m soliloquy.engine.training.build_phones DATA WORK --kokoro-voices FOLDER

DATA is the folder with `faces/` (docs/models.md says what and under which terms). WORK keeps what was spoken and aligned between
runs: the first run lets the talkers speak for half an hour, training takes MINUTES. What must be installed for it is said in
build_phones_voices.NEEDED. `measure_phones.py` scores the result.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch

from ..audio import phone_stream
from ..audio.weights import to_safetensors
from .build_lips import ship
from .build_phones_data import Frames, frames_of, real_utterances
from .build_phones_network import PhoneNetwork, train
from .build_phones_recorded import TEACHING, recorded
from .build_phones_speech import speak_all, spoken
from .build_phones_voices import NEEDED, TALKERS, prose

MINUTES = 55.0
SEED = 0
UNPACED = ("espeak",)
TRAINING_PEOPLE = ("grid_s1",)


def main() -> None:
    """Command line: DATA, WORK, --kokoro-voices, --minutes, --seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=NEEDED)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--kokoro-voices", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--seed", type=int, default=SEED)
    wishes = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    texts = prose(Path(__file__).resolve().parents[2] / "docs")
    speak_all(wishes.work, texts, wishes.kokoro_voices, TALKERS, wishes.seed)
    keep = wishes.work / "phones.safetensors"
    network = train(corpora(wishes.data, wishes.work), wishes.minutes, wishes.seed, lambda stack, _: keep.write_bytes(packed(stack)))
    ship(phone_stream, packed(network))


def corpora(data: Path, work: Path) -> list[Frames]:
    """All training frames, talker by talker."""
    made = [frames_of(talker, spoken(work, f"{talker}-*"), talker not in UNPACED) for talker in TALKERS]
    people = [frames_of(name, real_utterances(data, work, name), True) for name in TRAINING_PEOPLE]
    return [*made, *people, *(frames_of(f"prompts_{language}", recorded(language, work), True) for language in TEACHING)]


def packed(stack: PhoneNetwork) -> bytes:
    """The network as a safetensors file in float16."""
    return to_safetensors(stack.tensors(), {"source": "engine/training/build_phones.py"})


if __name__ == "__main__":
    main()
