"""`live`: the face moves while somebody speaks."""

from __future__ import annotations

from typing import Annotated

import typer

from ..console import command
from .options import Direction, Fps, Json, Seed, Settings, Verbose


def live(source: Annotated[str, typer.Option("--in", metavar="mic|stdin|FILE", help=(
             "Where the sound comes from: a microphone, raw 16-bit mono samples on stdin, or a recording at its own pace."))] = "mic",
         kind: Annotated[str, typer.Option("--out", metavar="stdout|jsonl|osc", help=(
             "JSON lines on stdout, JSON lines into a file, or OSC (VMC) packets over UDP."))] = "stdout",
         to: Annotated[str, typer.Option(metavar="FILE|HOST:PORT", help="The file of jsonl; where osc goes (127.0.0.1:39539).")] = "",
         direction: Direction = "", settings: Settings = None, seed: Seed = 0, fps: Fps = "30",
         rate: Annotated[int, typer.Option(metavar="HZ", help="Sample rate of stdin.")] = 16000,
         device: Annotated[str, typer.Option(metavar="NAME", help="Which microphone: its number, or a part of its name.")] = "",
         fast: Annotated[bool, typer.Option("--fast", help="A file as fast as it goes, instead of at its own pace.")] = False,
         json_events: Json = False, verbose: Verbose = False) -> None:
    """Listen and move: motion frames stream out some 70 ms after the sound. Ctrl-C ends it."""
    with command(json_events=json_events, verbose=verbose) as console:
        import gc
        import os
        import sys

        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(variable, "1")  # a row at a time: more threads would only wait for each other
        import numpy as np

        from ..audio.decode import SAMPLE_RATE_HZ
        from ..live.performance import LivePerformance
        from ..live.run import Report, perform
        from ..live.sinks import open_sink
        from ..live.sources import open_source
        from ..motion.direction import parse_settings
        from ..rates import parse_rate
        from ..stages import directed
        frames_per_second = parse_rate(fps)
        wanted = directed(direction, parse_settings(settings or []))
        for _ in LivePerformance(wanted, seed=seed, fps=frames_per_second).push(np.zeros(SAMPLE_RATE_HZ, np.float32)):
            pass  # what is loaded and compiled at the first use must not delay the first word
        gc.freeze()  # nor must looking through all of it for garbage delay a later one
        performance = LivePerformance(wanted, seed=seed, fps=frames_per_second)
        sound = open_source(source, fast=fast, rate_hz=rate, device=device)
        sink = open_sink(kind, to, stdout=sys.stdout, fps=frames_per_second, seed=seed)
        report = Report()
        try:
            perform(performance, sound, sink, report, paced=not fast)
        except KeyboardInterrupt:
            pass  # how a live performance ends
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read the frames is gone
        finally:
            sink.close()
        if kind != "osc" and to in ("", "-"):
            console.event(event="result", **report.as_record())
            sys.stderr.write(report.text() + "\n")
        else:
            console.result(report.text(), **report.as_record())
