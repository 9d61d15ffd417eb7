"""`blender -c soliloquy ...` is made known here; what it does is in `commands`, which is loaded when it is called."""

from __future__ import annotations

import bpy

COMMAND = "soliloquy"
_handles: list = []


def register() -> None:
    _handles.append(bpy.utils.register_cli_command(COMMAND, _run))


def unregister() -> None:
    while _handles:
        bpy.utils.unregister_cli_command(_handles.pop())


def _run(arguments: list[str]) -> int:
    from .commands import run

    return run(arguments)
