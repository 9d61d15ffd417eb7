"""`verify`: what a file says about itself; `seal`: credentials for what was made with our outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..console import command
from ..errors import Cancelled
from .options import Json, Verbose


def verify(
    path: Annotated[
        Path, typer.Argument(metavar="FILE|FOLDER", help="A video, picture, frame folder, or a folder of them.")
    ],
    json_events: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say what a file is: credentials, signature, mark. Exit status: 0 intact, 1 altered or forged, 2 no credentials, 3
    unreadable."""
    try:
        with command(json_events=json_events, verbose=verbose) as console:
            from ..provenance.verify import as_record, overall
            from ..provenance.verify import verify as examine
            findings = examine(path, progress=console.progress)
            console.result("\n\n".join(finding.text() for finding in findings), **as_record(findings))
    except SystemExit as stopped:  # of a failure nobody may take for "altered" or "no credentials"
        raise typer.Exit(stopped.code if stopped.code == Cancelled.exit_code else 3) from stopped
    raise typer.Exit(overall(findings))


def seal(
    final: Annotated[Path, typer.Argument(metavar="FINAL", help="A video, a picture, or a folder of numbered frames.")],
    sources: Annotated[
        list[Path],
        typer.Option(
            "--with",
            metavar="FILE|FOLDER",
            help=(
                "What was used in it and carries credentials: a video, picture or frame folder, of ours or not; repeatable."
            ),
        ),
    ],
    json_events: Json = False,
    verbose: Verbose = False,
) -> None:
    """Hand credentials on to a film or picture that was made with portraits, after editing or compositing them."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..provenance.final import seal_final
        made = seal_final(final, sources, progress=console.progress)
        shown = "".join(f"\n  {portrait['name']}: {portrait['state']}" for portrait in made["portraits"])
        console.result(f"{made['out']}: credentials of {len(made['portraits'])} portraits handed on.{shown}", **made)
