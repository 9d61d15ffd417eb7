"""Makes the manual's pictures of Blender from its real window:

    SOLILOQUY_BLENDER=... SOLILOQUY_PYTHON=... python3 dev.py blender-shots PICTURE VOICE docs/pictures

Needs Xvfb (see `window`) and an engine. Every picture is to be looked at before it is committed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import window  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
WIDEST_PX = 960
JPEG_QUALITY = 70
SCREEN = (1500, 1060)
LONGEST_S = 1500


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("voice", type=Path)
    parser.add_argument("folder", type=Path, help="where NAME.jpg goes")
    options = parser.parse_args()
    if reason := window.why_no_window():
        parser.error(reason)
    os.environ.setdefault("SOLILOQUY_PYTHON", sys.executable)
    with tempfile.TemporaryDirectory(prefix="soliloquy-") as temporary:
        work = Path(temporary)
        resources = work / "resources"
        install(work, resources)
        picture, voice, performance = prepared(work, options.picture.resolve(), options.voice.resolve())
        nobody = picture.with_name("nobody.png")
        cv2.imwrite(str(nobody), np.full((256, 256, 3), 120, np.uint8))
        steps = Path(__file__).with_name("shots_steps.py")
        done = window.run_in_window(steps, work / "shots", resources, performance, picture, voice, nobody, size=SCREEN,
                                    timeout_s=LONGEST_S)
        made = sorted((work / "shots").glob("*.xwd"))
        for shot in made:
            write_jpeg(shot, options.folder / f"blender-{shot.stem}.jpg")
        if "Traceback" in done.stderr or not made:
            sys.stderr.write(done.stdout[-2000:] + done.stderr[-4000:])
            return 1
    return 0


def install(work: Path, resources: Path) -> None:
    """Build the extension and enable it in settings of its own."""
    blender, environment = os.environ["SOLILOQUY_BLENDER"], {**os.environ, "BLENDER_USER_RESOURCES": str(resources)}
    build = [blender, "--command", "extension", "build", "--source-dir", str(ROOT), "--output-dir", str(work)]
    subprocess.run(build, env=environment, check=True, capture_output=True)
    package = next(work.glob("soliloquy-*.zip"))
    subprocess.run([blender, "--command", "extension", "install-file", "--repo", "user_default", "--enable", str(package)],
                   env=environment, check=True, capture_output=True)


def prepared(work: Path, picture: Path, voice: Path) -> tuple[Path, Path, Path]:
    """Picture and voice side by side, as they are dropped together, and a finished performance of them."""
    inputs = work / "shot"
    inputs.mkdir()
    copies = []
    for source in (picture, voice):
        copy = inputs / source.name
        copy.write_bytes(source.read_bytes())
        copies.append(copy)
    performance = work / "performance"
    command = [os.environ["SOLILOQUY_PYTHON"], "-I", str(ROOT / "engine" / "bootstrap.py"), "animate", *map(str, copies),
               "-o", str(performance), "--size", "512", "--format", "png", "--fps", "24", "--alpha",
               "--rights", "public-domain"]
    subprocess.run(command, check=True, capture_output=True)
    return *copies, performance


def write_jpeg(shot: Path, target: Path) -> None:
    """The part of the screen that was meant, no wider than WIDEST_PX."""
    image = window.screen_picture(shot)
    cut = shot.with_suffix(".cut")
    if cut.is_file():
        left, top, right, bottom = map(int, cut.read_text(encoding="utf-8").split())
        image = image[top:bottom, left:right]
    share = min(1.0, WIDEST_PX / image.shape[1])
    small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    target.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target), small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1])


if __name__ == "__main__":
    sys.exit(main())
