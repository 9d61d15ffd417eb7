"""One verb of the sentence at a time: `portrait`, `speech`, `motion`, `render`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from ..console import command
from .options import (
    Alpha, Corrections, Cues, Device, Direction, Face, Formats, Fps, Json, Landmarks, PortraitSettings, Rights, Seed,
    Settings, Size, Speaker, Text, TextFile, Verbose, format_names, spoken, stated_rights,
)


def portrait(image: Annotated[Path, typer.Argument(metavar="IMAGE")],
             out: Annotated[Path, typer.Option("-o", "--out", metavar="X.portrait")],
             face: Face = None, landmarks: Landmarks = None, settings: PortraitSettings = None, rights: Rights = None,
             json_events: Json = False, verbose: Verbose = False) -> None:
    """Take a picture apart: fitted head mesh, layers, eyes, mouth and clean plate in one .portrait file."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..provenance.policy import load_policy
        from ..stages import check_writable, cleared_rights, obtain_portrait
        cleared = cleared_rights(image, stated_rights(rights), load_policy()) if rights else None
        check_writable(out.parent)
        made, _ = obtain_portrait(image, face=face, landmarks=landmarks, changes=settings or (), progress=console.progress)
        if cleared:
            made.provenance["rights"] = cleared.to_record()
        made.save(out)
        console.result(f"{out}: {made.size[0]} x {made.size[1]} pixels, {len(made.parts)} parts.", out=str(out),
                       size=list(made.size), parts=sorted(made.parts), rest=made.rest)


def speech(audio: Annotated[Path, typer.Argument(metavar="AUDIO")],
           out: Annotated[Path, typer.Option("-o", "--out", metavar="speech.json|X.TextGrid")],
           text: Text = "", text_file: TextFile = None, corrections: Corrections = None,
           json_events: Json = False, verbose: Verbose = False) -> None:
    """Hear a recording: phones and words with times, pauses, loudness and pitch, as JSON to read and edit, or for Praat."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..audio.textgrid import tiers_of, write_textgrid
        from ..stages import check_writable, obtain_speech
        check_writable(out.parent)
        heard, _ = obtain_speech(audio, spoken(text, text_file), corrections=corrections, progress=console.progress)
        if out.suffix.lower() == ".textgrid":
            write_textgrid(out, tiers_of(heard), heard.duration_s)
        else:
            heard.save(out)
        remarks = "".join(f"\n  note: {note}" for note in heard.notes)
        console.result(f"{out}: {heard.duration_s:.2f} s, {len(heard.phones)} phones, {len(heard.words)} words.{remarks}",
                       out=str(out), duration_s=heard.duration_s, phones=len(heard.phones), words=len(heard.words), notes=heard.notes)


def motion(source: Annotated[Path, typer.Argument(metavar="AUDIO|speech.json")],
           out: Annotated[Path, typer.Option("-o", "--out", metavar="CLIP", help="clip.json, or .csv / .npz.")],
           text: Text = "", text_file: TextFile = None, corrections: Corrections = None, cues: Cues = None,
           speaker: Speaker = "", direction: Direction = "",
           settings: Settings = None, seed: Seed = 0, fps: Fps = "25", json_events: Json = False, verbose: Verbose = False) -> None:
    """Make the performance alone: 52 ARKit curves, head and gaze."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..export import export_clip
        from ..motion.direction import parse_settings
        from ..motion.generate import generate_motion
        from ..rates import parse_rate
        from ..stages import check_writable, directed, obtain_speech, scripted, side_of
        rate, chosen = parse_rate(fps), directed(direction, parse_settings(settings or []))
        check_writable(out.parent)
        script = spoken(text, text_file)
        heard, _ = obtain_speech(source, script, corrections=corrections, side=side_of(source, cues, speaker), progress=console.progress)
        chosen, heard = scripted(chosen, heard, script, cues=cues, speaker=speaker, recording=source)
        clip = generate_motion(heard, chosen, seed=seed, fps=rate, progress=console.progress)
        export_clip(clip, out, to=out.suffix.lstrip(".").lower() or "json")
        console.result(f"{out}: {len(clip)} frames at {rate} per second.", out=str(out), frames=len(clip), fps=str(rate))


def render(portrait: Annotated[Path, typer.Argument(metavar="PORTRAIT", help="A picture, or a .portrait file.")],
           clip: Annotated[Path, typer.Argument(metavar="CLIP", help="A clip (.json), or any Live Link Face .csv.")],
           out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR")],
           audio: Annotated[Optional[Path], typer.Option(metavar="FILE", help="Sound for the video.")] = None,
           fps: Annotated[str, typer.Option(metavar="RATE", help="Rate of a CSV whose timecode does not tell.")] = "",
           size: Size = "source", formats: Formats = "mp4", alpha: Alpha = False, face: Face = None, landmarks: Landmarks = None,
           rights: Rights = None, device: Device = "", json_events: Json = False, verbose: Verbose = False) -> None:
    """Draw a performance: ours, or anybody's ARKit capture."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..animate import Stopwatch, picture_hash, render_to
        from ..device import choose_device
        from ..errors import AudioError, InputError
        from ..export import read_clip
        from ..files import sha256_of
        from ..jobs import FORMATS, parse_size
        from ..provenance.policy import load_policy
        from ..provenance.seal import Seal
        from ..rates import parse_rate
        from ..stages import check_writable, cleared_rights, obtain_portrait
        names = format_names(formats)
        if unknown := [name for name in names if name not in FORMATS]:
            raise InputError(f"Unknown output format {unknown[0]}. Known: {', '.join(FORMATS)}.")
        performance = read_clip(clip, fps=parse_rate(fps) if fps else None)
        if audio and not audio.is_file():
            raise AudioError(f"There is no recording at {audio}.")
        check_writable(out)
        choose_device(device)
        policy = load_policy()
        cleared = cleared_rights(portrait, stated_rights(rights), policy)
        built, _ = obtain_portrait(portrait, face=face, landmarks=landmarks, progress=console.progress)
        seal = Seal(policy, cleared, clip=performance, sources={"portrait": portrait} | ({"voice": audio} if audio else {}),
                    inputs={"portrait": picture_hash(built, portrait)} | ({"voice": sha256_of(audio)} if audio else {}))
        made = render_to(out, built, performance, size=parse_size(size, built.size), formats=names, alpha=alpha,
                         audio=audio, watch=Stopwatch(), seal=seal, progress=console.progress)
        files = [str(out / name) for name in made]
        console.result("\n".join(files), out=str(out), files=files, frames=len(performance))
