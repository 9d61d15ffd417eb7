"""How fast the Blender side is, in figures: keys written, a rig landing, switching on and off, a performance from click to timeline.

    python3 dev.py blender-bench                           the engine, and the module bpy of .venv
    python3 dev.py blender-bench /opt/blender-5.2/blender  and this program, without its window and with it

The window needs Xvfb (see `window`). Processor times (CPU) stand beside times on the clock where others may be at work.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import window  # noqa: E402
from shots import install  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
HIGH_PX, LONG_S, WARM_RUNS = 512, 10.0, 3
WORDS = ("The north wind and the sun were disputing which was the stronger, when a traveller came along wrapped in a warm cloak. "
         "They agreed that the one who first made the traveller take his cloak off should be considered stronger than the other.")
"""Of Aesop's fable, as phoneticians use it (International Phonetic Association 1999)."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="dev.py blender-bench", description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?", help="a Blender program")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="soliloquy-bench-") as temporary:
        folder = Path(temporary)
        picture, voice = prepare(folder)
        print(f"{HIGH_PX} pixels high, {LONG_S:g} s, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        performance = engine(folder, picture, voice)
        steps("module bpy", [sys.executable], performance, folder)
        if options.program:
            os.environ["SOLILOQUY_BLENDER"] = options.program
            os.environ.setdefault("SOLILOQUY_PYTHON", sys.executable)
            steps("Blender", [options.program, "-b", "--factory-startup", "-P"], performance, folder)
            in_window(folder, picture, voice)
    return 0


def prepare(folder: Path) -> tuple[Path, Path]:
    """A picture with a face and a voice."""
    import soundfile
    from PIL import Image
    from skimage import data

    from soliloquy.engine.audio.say import say

    picture, voice = folder / "face.png", folder / "voice.wav"
    Image.fromarray(data.astronaut()).resize((HIGH_PX, HIGH_PX)).save(picture)
    say(WORDS, voice)
    samples, rate = soundfile.read(voice)
    soundfile.write(voice, samples[:round(LONG_S * rate)], rate)
    return picture, voice


def engine(folder: Path, picture: Path, voice: Path) -> Path:
    """The engine alone, first with an empty cache; returns the folder of the last performance."""
    os.environ["SOLILOQUY_CACHE"] = str(folder / "cache")
    os.environ["SOLILOQUY_KEYS"] = str(folder / "keys")
    runs = [engine_run(folder / f"made-{number}", picture, voice) for number in range(1 + WARM_RUNS)]
    for name, chosen in (("first time", runs[:1]), ("known to the cache", runs[1:])):
        median = {key: statistics.median(run[key] for run in chosen) for key in ("s", "cpu_s", "first_s")}
        stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in chosen[-1]["timings_s"].items() if seconds >= 0.05)
        print(f"engine, {name}: {median['s']:.1f} s, {median['cpu_s']:.1f} s CPU; first sign of life {median['first_s']:.2f} s; {stages}")
    return folder / f"made-{WARM_RUNS}"


def engine_run(out: Path, picture: Path, voice: Path) -> dict:
    """One performance by a worker, started as the add-on starts it."""
    job = {"portrait": str(picture), "audio": str(voice), "fps": "24/1", "formats": ["png"], "out": str(out),
           "rights": {"basis": "public-domain", "statement": "NASA"}}
    before, started, first_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), None
    with subprocess.Popen([sys.executable, "-I", str(ROOT / "engine" / "bootstrap.py"), "worker"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as worker:
        worker.stdin.write(json.dumps({"id": "1", "command": "animate", "job": job}) + "\n")
        worker.stdin.close()
        for line in worker.stdout:
            event = json.loads(line)
            first_s = first_s or time.monotonic() - started
            if event["event"] == "error":
                raise SystemExit(event["message"])
    took_s, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"s": took_s, "cpu_s": cpu_s, "first_s": first_s, "timings_s": event["report"]["timings_s"]}


def steps(name: str, command: list[str], performance: Path, folder: Path) -> None:
    """What `bench_steps.py` finds."""
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)
    done = subprocess.run([*command, str(Path(__file__).with_name("bench_steps.py")), "--", str(performance), str(answer)],
                          capture_output=True, text=True)
    if not answer.is_file():
        raise SystemExit(done.stdout[-2000:] + done.stderr[-4000:])
    found = json.loads(answer.read_text(encoding="utf-8"))
    register = found["register"]
    print(f"{name} {found['blender']}, CPU of its own thread:")
    print(f"  all keys x 1500 frames: {found['keys_ms']:.0f} ms; on {register['on_ms']:.1f} ms, off {register['off_ms']:.1f} ms "
          f"(medians of {register['cycles']})")
    for where, landing in (("empty file", found["landing"]), ("beside 20,000 objects", found["landing_in_crowd"])):
        longest = "; ".join(f"{took:.0f} ms ({place})" for took, place in landing["longest"][:3])
        print(f"  landing, {where}: {landing['all_ms']:.0f} ms in {landing['steps']} steps, the longest {longest}")


def in_window(folder: Path, picture: Path, voice: Path) -> None:
    """What `window_animate.py` finds."""
    if reason := window.why_no_window():
        print(f"window: not tried: {reason}")
        return
    install(folder, folder / "resources")
    shown = folder / "window"
    done = window.run_in_window(Path(__file__).with_name("window_animate.py"), shown, folder / "resources", picture, voice)
    if not (shown / "record.json").is_file():
        raise SystemExit(done.stdout[-2000:] + done.stderr[-4000:])
    found = json.loads((shown / "record.json").read_text(encoding="utf-8"))
    turns, looks = found["turns_cpu_s"], found["looks_cpu_s"]
    print(f"window: click to drawn bar {found['click_to_drawn_s']:.2f} s, to first stage {found['click_to_stage_s']:.2f} s; "
          f"known to the cache, in the timeline after {found['warm']['s']:.1f} s (engine {found['engine_s']:.1f} s); "
          f"Esc {found['escape_s']:.2f} s")
    print(f"  CPU of its thread: a look at the engine {looks[-1] * 1000:.1f} ms at most; {len(turns)} turns of landing, median "
          f"{statistics.median(turns) * 1000:.0f} ms, longest {', '.join(f'{turn * 1000:.0f}' for turn in turns[:-4:-1])} ms; "
          f"undo push {found['undo_push_cpu_s'] * 1000:.0f} ms")
    print(f"  longest between two beats on the clock, drawing by the processor included: {found['longest_gaps_s'][-1]:.2f} s; "
          f"when nothing goes on {found['idle_gap_s']:.2f} s")


if __name__ == "__main__":
    sys.exit(main())
