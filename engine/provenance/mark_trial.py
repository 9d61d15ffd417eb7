"""How well the mark survives, as the tables of docs/trust.md:
`python -m soliloquy.engine.provenance.mark_trial PATH... [--drawings N] [--numbers N] [--quick]`.

A PATH is a picture, which is marked, edited and read; or a folder of unmarked frames (policy: mark off), which are marked,
encoded, edited and read as a video. Drawings are made here, flat colours and hard edges, another for each seed. Every
picture is tried with several numbers, since a pattern may lie well or badly. Unmarked crops of the pictures show how near
chance comes to a false alarm.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from scipy.stats import beta

from ..portrait.picture import read_picture
from ..render.write import ffmpeg_binary
from .mark import Marker, read_mark
from .verify import frames_of_video

NUMBERS = tuple(0x5EED1234 * (2 * place + 1) % 2**32 for place in range(16))
SIDE_PX = 768
FALSE_ALARM_CROPS, FALSE_ALARM_CROPS_QUICK = 6, 2
NOT_SURVIVED = ("turned 2 degrees", "mirrored")
"""Left out by --quick: a search that finds nothing takes longest."""


def _jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def _scaled(picture: np.ndarray, factor: float) -> np.ndarray:
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)


def _cropped(picture: np.ndarray, share: float) -> np.ndarray:
    """Without `share` of each side, off centre."""
    height, width = picture.shape[:2]
    top, left = int(height * share * 0.37), int(width * share * 0.61)
    return np.ascontiguousarray(picture[top:top + int(height * (1 - share)), left:left + int(width * (1 - share))])


def _gamma(picture: np.ndarray, exponent: float) -> np.ndarray:
    return cv2.LUT(picture, (255 * (np.arange(256) / 255) ** exponent).astype(np.uint8))


def _screenshot(picture: np.ndarray) -> np.ndarray:
    """Shown smaller inside a window, photographed by the system, kept as JPEG."""
    small = _scaled(picture, 0.83)
    window = np.full((small.shape[0] + 120, small.shape[1] + 90, 3), 238, np.uint8)
    window[73:73 + small.shape[0], 31:31 + small.shape[1]] = small
    return _jpeg(window, 85)


def _turned(picture: np.ndarray, degrees: float) -> np.ndarray:
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.05)
    return cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_CUBIC)


PICTURE_EDITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda picture: picture,
    "JPEG 70": lambda picture: _jpeg(picture, 70),
    "resize 50 %": lambda picture: _scaled(picture, 0.5),
    "crop 20 %": lambda picture: _cropped(picture, 0.2),
    "brightness +20 %": lambda picture: cv2.convertScaleAbs(picture, alpha=1.2),
    "brightness -20 %": lambda picture: cv2.convertScaleAbs(picture, alpha=0.8),
    "gamma 0.8": lambda picture: _gamma(picture, 0.8),
    "gamma 1.2": lambda picture: _gamma(picture, 1.2),
    "screenshot: 83 % in a window, JPEG 85": _screenshot,
    "crop 20 %, resize 50 %, JPEG 70": lambda picture: _jpeg(_scaled(_cropped(picture, 0.2), 0.5), 70),
    "JPEG 30": lambda picture: _jpeg(picture, 30),
    "resize 25 %": lambda picture: _scaled(picture, 0.25),
    "crop 50 %": lambda picture: _cropped(picture, 0.5),
    "turned 2 degrees": lambda picture: _turned(picture, 2.0),
    "mirrored": lambda picture: np.ascontiguousarray(picture[:, ::-1]),
}

VIDEO_EDITS: dict[str, tuple[str, int]] = {
    "H.264 CRF 28": ("null", 28),
    "H.264 CRF 28, resize 50 %": ("scale=iw/2:ih/2", 28),
    "H.264 CRF 28, crop 20 %": ("crop=iw*0.8:ih*0.8", 28),
    "H.264 CRF 28, brightness and gamma": ("eq=brightness=0.1:gamma=1.2", 28),
    "H.264 CRF 34": ("null", 34),
    "H.264 CRF 40": ("null", 40),
}
"""ffmpeg's filter and the constant rate factor."""

EVEN_SIDES = "scale=trunc(iw/2)*2:trunc(ih/2)*2"


def drawing(seed: int) -> np.ndarray:
    """(640, 512, 3): a cartoon head of flat colours and hard edges on a flat or graded ground, another for each seed."""
    chance = np.random.default_rng(seed)
    colours = [tuple(int(value) for value in colour) for colour in chance.integers(20, 256, (7, 3))]
    picture = np.empty((640, 512, 3), np.uint8)
    picture[:] = colours[0]
    if seed % 3 == 0:
        picture[:] = np.linspace(colours[0], colours[1], 640)[:, None]
    middle = (256 + int(chance.integers(-40, 41)), 300 + int(chance.integers(-30, 31)))
    cv2.rectangle(picture, (middle[0] - 60, middle[1] + 100), (middle[0] + 60, 640), colours[2], -1)
    cv2.ellipse(
        picture,
        middle,
        (int(chance.integers(110, 170)), int(chance.integers(150, 200))),
        0,
        0,
        360,
        colours[2],
        -1,
        cv2.LINE_AA,
    )
    cv2.ellipse(picture, (middle[0], middle[1] - 90), (170, 120), 0, 180, 360, colours[3], -1, cv2.LINE_AA)
    for side in (-1, 1):
        eye = (middle[0] + side * 55, middle[1] - 20)
        cv2.ellipse(picture, eye, (30, 22), 0, 0, 360, (250, 250, 250), -1, cv2.LINE_AA)
        cv2.circle(picture, eye, 12, colours[4], -1, cv2.LINE_AA)
        cv2.ellipse(picture, (eye[0], eye[1] - 34), (34, 12), 0, 190, 350, (20, 20, 20), 5, cv2.LINE_AA)
    cv2.ellipse(picture, (middle[0], middle[1] + 85), (50, 20), 0, 0, 180, colours[5], -1, cv2.LINE_AA)
    cv2.putText(picture, f"No {seed}", (24, 610), cv2.FONT_HERSHEY_SIMPLEX, 1.2, colours[6], 3, cv2.LINE_AA)
    return picture


def load_picture(path: Path) -> np.ndarray:
    """(H, W, 3), at most SIDE_PX."""
    picture = read_picture(path)[..., :3]
    return np.ascontiguousarray(_scaled(picture, min(1.0, SIDE_PX / max(picture.shape))))


def try_picture(picture: np.ndarray, number: int, *, quick: bool = False) -> tuple[dict[str, bool], float]:
    """Which edits the mark in this picture survives, and the PSNR of marking it."""
    marked = Marker(number).apply(picture)
    edits = {name: edit for name, edit in PICTURE_EDITS.items() if not (quick and name in NOT_SURVIVED)}
    return ({name: read_mark([edit(marked)]).number == number for name, edit in edits.items()}, cv2.PSNR(picture, marked))


def try_clip(folder: Path, number: int) -> dict[str, bool]:
    """Which encodings the mark in this folder's frames survives."""
    outcome, marker = {}, Marker(number)
    with tempfile.TemporaryDirectory() as scratch:
        for path in sorted(folder.glob("*.png")):
            cv2.imwrite(f"{scratch}/{path.name}", marker.apply(cv2.imread(str(path))))
        for name, (edit, factor) in VIDEO_EDITS.items():
            video = Path(scratch) / "video.mp4"
            subprocess.run(
                [
                    ffmpeg_binary(),
                    "-loglevel",
                    "error",
                    "-y",
                    "-framerate",
                    "25",
                    "-i",
                    f"{scratch}/%06d.png",
                    "-c:v",
                    "libx264",
                    "-pix_fmt",
                    "yuv420p",
                    "-vf",
                    f"{edit},{EVEN_SIDES}",
                    "-crf",
                    str(factor),
                    str(video),
                ],
                check=True,
            )
            outcome[name] = read_mark(frames_of_video(video)).number == number
    return outcome


def false_alarms(picture: np.ndarray, crops: int) -> list[tuple[bool, float]]:
    """For crops of an unmarked picture: whether a number was read, and how near the likeliest place came."""
    readings = [read_mark([_cropped(picture, share)]) for share in np.linspace(0, 0.5, crops)]
    return [(reading.number is not None, reading.certainty) for reading in readings]


def least_rate(read: int, tried: int) -> float:
    """The true rate is above this with 95 % confidence (Clopper and Pearson, Biometrika 26, 1934, one-sided)."""
    return float(beta.ppf(0.05, read, tried - read + 1)) if read else 0.0


def _rates(outcomes: list[dict[str, bool]]) -> list[str]:
    rows = []
    for name in outcomes[0]:
        read = sum(outcome[name] for outcome in outcomes)
        rows.append(f"| {name} | {read} of {len(outcomes)} | {least_rate(read, len(outcomes)):.2f} |")
    return ["|---|---|---|", *rows, ""]


def _picture_table(title: str, pictures: list[np.ndarray], numbers: tuple[int, ...], *, quick: bool) -> list[str]:
    outcomes, psnr = zip(
        *(try_picture(picture, number, quick=quick) for picture in pictures for number in numbers), strict=True
    )
    crops = FALSE_ALARM_CROPS_QUICK if quick else FALSE_ALARM_CROPS
    alarms = [alarm for picture in pictures for alarm in false_alarms(picture, crops)]
    return [
        f"| {title} | mark read | rate above (95 %) |",
        *_rates(list(outcomes)),
        f"PSNR of marking: least {min(psnr):.1f} dB, mean {np.mean(psnr):.1f} dB.",
        f"Unmarked: {sum(read for read, _ in alarms)} false alarms in {len(alarms)} readings; highest certainty of place "
        f"{max(certainty for _, certainty in alarms):.1f}.",
        "",
    ]


def main(arguments: list[str]) -> None:
    """Print the tables for the pictures and folders named."""
    parser = argparse.ArgumentParser(prog="mark_trial", description="How well the invisible mark survives.")
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="pictures, and folders of unmarked frames")
    parser.add_argument("--drawings", type=int, default=0, metavar="N", help="also try N flat drawings made here")
    parser.add_argument(
        "--numbers", type=int, default=1, choices=range(1, len(NUMBERS) + 1), metavar="N", help="marks per picture"
    )
    parser.add_argument("--quick", action="store_true", help="leave out what never survives, and most unmarked crops")
    options = parser.parse_args(arguments)
    numbers = NUMBERS[:options.numbers]
    pictures, clips = [path for path in options.paths if path.is_file()], [path for path in options.paths if path.is_dir()]
    lines = []
    if pictures:
        lines += _picture_table("pictures", [load_picture(path) for path in pictures], numbers, quick=options.quick)
    if options.drawings:
        lines += _picture_table(
            "flat drawings", [drawing(seed) for seed in range(options.drawings)], numbers, quick=options.quick
        )
    if clips:
        lines += ["| clips | mark read | rate above (95 %) |", *_rates([try_clip(path, NUMBERS[0]) for path in clips])]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
