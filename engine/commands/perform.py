"""`animate` and `job`: the whole sentence in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..console import command
from .options import (
    Alpha, Corrections, Cues, Device, Direction, Face, Formats, Fps, Json, Landmarks, Rights, Seed, Settings, Size, Speaker, Text,
    TextFile, Verbose, format_names, spoken, stated_rights,
)


def animate(portrait: Annotated[Path, typer.Argument(metavar="PORTRAIT", help="A picture, or a .portrait file.")],
            audio: Annotated[Path, typer.Argument(metavar="AUDIO", help="A recording, or a video with sound.")],
            out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="The folder to write.")],
            text: Text = "", text_file: TextFile = None, speech: Corrections = None, cues: Cues = None, speaker: Speaker = "",
            direction: Direction = "", settings: Settings = None, seed: Seed = 0, fps: Fps = "25", size: Size = "source",
            formats: Formats = "mp4", alpha: Alpha = False, face: Face = None, landmarks: Landmarks = None, rights: Rights = None,
            device: Device = "",
            blend: Annotated[bool, typer.Option("--blend", help="Also make DIR/<name of DIR>.blend with rig, curves and strips.")] = False,
            json_events: Json = False, verbose: Verbose = False) -> None:
    """Portrait and voice in, talking portrait out: video, frames, curves, and everything they came from."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..device import choose_device
        from ..jobs import Job
        from ..motion.direction import parse_settings
        from ..rates import parse_rate
        choose_device(device)
        job = Job(portrait=portrait, audio=audio, out=out, text=spoken(text, text_file), speech=speech, cues=cues, speaker=speaker,
                  direction=direction, settings=parse_settings(settings or []), seed=seed, fps=parse_rate(fps), size=size,
                  formats=format_names(formats), alpha=alpha, face=face, landmarks=landmarks, rights=stated_rights(rights))
        _animate(job, console, blend=blend)


def job(file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML or JSON: one job, or a list called jobs.")],
        blend: Annotated[bool, typer.Option("--blend", help="Also make a .blend of each.")] = False, device: Device = "",
        json_events: Json = False, verbose: Verbose = False) -> None:
    """Carry out the jobs of a file, one after the other: `animate` with its arguments written down."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..device import choose_device
        from ..jobs import read_jobs
        from ..provenance.policy import load_policy
        from ..stages import cleared_rights
        choose_device(device)
        entries, policy = read_jobs(file), load_policy()
        for entry in entries:  # all of them before the first: a batch must not stop in the middle of the night
            cleared_rights(entry.portrait, entry.rights, policy)
        for entry in entries:
            _animate(entry, console, blend=blend)


def _animate(job, console, *, blend: bool) -> None:
    from ..animate import run_animate
    from ..stages import check_writable
    check_writable(job.out)
    report = run_animate(job, console.progress)
    made = [job.out / name for name in (*report["outputs"], "motion.csv", "motion.json", "report.json")]
    if blend:
        from ..blend import make_blend
        made.append(make_blend(job.out, job.out / f"{job.out.resolve().name}.blend", progress=console.progress))
    seconds = sum(report["timings_s"].values())
    console.result(f"{job.out}: {report['frames']} frames ({report['duration_s']:.2f} s) in {seconds:.1f} s, "
                   f"{report['frames_per_second']} frames per second.\n" + "\n".join(f"  {path}" for path in made),
                   out=str(job.out), files=[str(path) for path in made], report=report)
