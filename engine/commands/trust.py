"""`verify`: what a file says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..console import command
from .options import Json, Verbose


def verify(path: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="A video, picture, frame folder, or a folder of them.")],
           json_events: Json = False, verbose: Verbose = False) -> None:
    """Say what a file is: credentials, signature, mark. Exit status: 0 intact, 1 altered or forged, 2 no credentials, 3 unreadable."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..provenance.verify import as_record, overall
        from ..provenance.verify import verify as examine
        findings = examine(path, progress=console.progress)
        console.result("\n\n".join(finding.text() for finding in findings), **as_record(findings))
    raise typer.Exit(overall(findings))
