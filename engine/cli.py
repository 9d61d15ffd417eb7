"""The command line `soliloquy`, put together from the groups in `commands`."""

from __future__ import annotations

import signal

import typer

from .commands import capture, care, exchange, live, perform, regenerate, steps, style, trust

EXIT_CODES = """
Exit status: 0 done · 1 unexpected error · 2 bad argument or setting · 3 picture cannot be used · 4 no face found ·
5 recording cannot be used · 6 result cannot be written · 7 model missing or damaged · 8 damaged file · 130 stopped.
"""

COMMANDS = (perform.animate, perform.job, regenerate.regenerate, steps.portrait, steps.speech, steps.motion, steps.render,
            exchange.say, exchange.export, live.live, capture.capture,
            care.measure, care.bench, trust.verify, trust.seal, care.doctor)
"""In the order in which --help lists them."""

app = typer.Typer(
    name="soliloquy", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="A portrait that speaks: one picture and a voice become a talking portrait, as frames and as editable curves.",
    epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
for _command in COMMANDS:
    app.command()(_command)
app.add_typer(style.app, name="style")


def main() -> None:
    """The entry point of the `soliloquy` command."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end cleans up as Ctrl-C does
    app()
