"""`python3 dev.py demo`: from a line of text and a public-domain photograph to a talking portrait, with everything in one folder."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from .animate import run_animate
from .audio.decode import read_audio
from .audio.say import say
from .audio.speech import Speech
from .blend import make_blend
from .console import command
from .export.curve_plot import write_curve_plot
from .export.sheet import frames_from_folder, head_crop, sheet_frames, write_contact_sheet
from .files import whole_file
from .jobs import Job
from .motion.clip import MotionClip
from .portrait.portrait import Portrait
from .provenance.consent import Rights
from .provenance.policy import load_policy
from .provenance.seal import Seal

LINE = ("Good evening. I have been standing still for a very long time, and now, with your permission, I would like to say "
        "a few words.")

RIGHTS = Rights("public-domain", "NASA photograph, not under copyright; shipped with scikit-image", subject="Eileen Collins")

SHEET_FRAMES = 16


def demo(folder: Path, progress) -> dict[str, float]:
    """Fill `folder`; returns seconds by step, the stages of `animate` among them."""
    seconds: dict[str, float] = {}

    def timed(name: str, work):
        started = time.perf_counter()
        result = work()
        seconds[name] = time.perf_counter() - started
        return result

    folder.mkdir(parents=True, exist_ok=True)
    picture, voice = folder / "portrait.png", folder / "voice.wav"
    timed("picture", lambda: write_astronaut(picture))
    timed("say", lambda: say(LINE, voice))
    job = Job(portrait=picture, audio=voice, out=folder, text=LINE, seed=1, formats=("mp4", "png"), rights=RIGHTS)
    report = run_animate(job, progress)
    seconds |= report["timings_s"]
    clip, speech = MotionClip.load(folder / "motion.json"), Speech.load(folder / "speech.json")
    portrait = Portrait.load(folder / "portrait.portrait")
    cells = frames_from_folder(folder / "frames", sheet_frames(len(clip), SHEET_FRAMES), crop=head_crop(portrait.landmarks_px, portrait.size))
    timed("contact sheet", lambda: write_contact_sheet(cells, folder / "contact_sheet.png", fps=clip.fps))
    sign_contact_sheet(folder, clip, report)
    timed("curve plot", lambda: write_curve_plot(clip, speech, read_audio(voice), folder / "curves.png"))
    timed("blend", lambda: make_blend(folder, folder / "demo.blend"))
    report["demo_timings_s"] = {name: round(value, 3) for name, value in seconds.items()}
    with whole_file(folder / "report.json") as temporary:
        temporary.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    return seconds


def sign_contact_sheet(folder: Path, clip: MotionClip, report: dict) -> None:
    """Give the sheet the credentials its frames have."""
    inputs = {"portrait": report["inputs"]["portrait"]["sha256"], "voice": report["inputs"]["audio"]["sha256"]}
    seal = Seal(load_policy(), Rights.from_record(report["rights"]), clip=clip, seed=report["seed"], inputs=inputs, sources={})
    seal.sign_file(folder / "contact_sheet.png", "contact sheet")


def write_astronaut(path: Path) -> None:
    """Eileen Collins, photographed by NASA: public domain, shipped with scikit-image."""
    from PIL import Image
    from skimage import data
    with whole_file(path) as temporary:
        Image.fromarray(data.astronaut()).save(temporary)


def main(arguments: list[str] | None = None) -> None:
    """Make the demo and print what was made and how long each step took."""
    parser = argparse.ArgumentParser(prog="soliloquy demo", description="Make the demo.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("out/demo"))
    options = parser.parse_args(arguments)
    with command(json_events=False, verbose=False) as console:
        seconds = demo(options.folder, console.progress)
        made = sorted(path.name + ("/" if path.is_dir() else "") for path in options.folder.iterdir() if not path.name.startswith("."))
        lines = [f"{name:<14} {value:>7.2f} s" for name, value in seconds.items()]
        console.result(f"Made in {options.folder}:\n  " + "\n  ".join(made) + "\n\n" + "\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
