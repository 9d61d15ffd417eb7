"""Runs inside Blender's window: a script is a generator that yields seconds to wait, or a condition to wait for."""

from __future__ import annotations

import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Generator
from pathlib import Path

import bpy

OUT = Path(sys.argv[sys.argv.index("--") + 1])
ARGUMENTS = sys.argv[sys.argv.index("--") + 2:]
LOOKS_EVERY_S = 0.02
PATIENCE_S = 600.0
FIRST_AFTER_S = 1.5

Script = Generator[float | Callable[[], bool], None, None]


def play(script: Script) -> None:
    """Play the script, then quit. What it raises is written to standard error, and quits as well."""
    preferences = bpy.context.preferences
    preferences.view.show_splash, preferences.use_preferences_save = False, False
    waiting: list = [None, 0.0]

    def tick() -> float | None:
        condition, until_s = waiting
        try:
            if condition is not None and not condition():
                if time.monotonic() > until_s:
                    raise TimeoutError("what was waited for did not come")
                return LOOKS_EVERY_S
            waiting[0] = None
            wanted = next(script)
            if callable(wanted):
                waiting[:] = wanted, time.monotonic() + PATIENCE_S
                return LOOKS_EVERY_S
            return wanted
        except StopIteration:
            pass
        except BaseException:
            traceback.print_exc()
        bpy.ops.wm.quit_blender()
        return None

    bpy.app.timers.register(tick, first_interval=FIRST_AFTER_S)


def window() -> bpy.types.Window:
    return bpy.context.window_manager.windows[0]


def area_of(kind: str) -> bpy.types.Area:
    return next(area for area in window().screen.areas if area.type == kind)


def region_of(area: bpy.types.Area, kind: str = "WINDOW") -> bpy.types.Region:
    return next(region for region in area.regions if region.type == kind)


def within(kind: str, region: str = "WINDOW"):
    """The context of an editor, for operators."""
    area = area_of(kind)
    return bpy.context.temp_override(window=window(), screen=window().screen, area=area, region=region_of(area, region))


def show_tab(kind: str, tab: str = "Soliloquy") -> Script:
    """Open the sidebar of an editor at a tab."""
    area_of(kind).spaces.active.show_region_ui = True
    yield 0.4
    region_of(area_of(kind), "UI").active_panel_category = tab
    area_of(kind).tag_redraw()
    yield 0.4


def shoot(name: str, area: bpy.types.Area | None = None) -> None:
    """Keep the screen as OUT/name.xwd; with an area, note its rectangle beside it so that the picture is cut to it."""
    shutil.copyfile(os.environ["SHOT_SCREEN"], OUT / f"{name}.xwd")
    if area is not None:
        height = window().height
        rectangle = (area.x, height - area.y - area.height, area.x + area.width, height - area.y)
        (OUT / f"{name}.cut").write_text(" ".join(map(str, rectangle)), encoding="utf-8")


def press(key: str) -> None:
    """A key down and up, where the mouse is, as a person would."""
    for value in ("PRESS", "RELEASE"):
        window().event_simulate(type=key, value=value)


def point(x: int, y: int) -> None:
    """The mouse to a place of the window, from its lower left corner."""
    window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)


def status() -> bpy.types.PropertyGroup:
    return bpy.context.window_manager.soliloquy


def idle() -> bool:
    return not status().running


def empty_scene() -> None:
    for item in list(bpy.data.objects):
        bpy.data.objects.remove(item)
