"""Thin: they gather inputs, call the public functions and turn errors into one line."""

from __future__ import annotations

import bpy

from . import animate, cache, character, compositing, consent, defaults, drop, engine, final, live, portrait, presets, regenerate, retime, scene, speakers, trust, update, voice

_CLASSES = (animate.SOLILOQUY_OT_animate, scene.SOLILOQUY_OT_import_performance, scene.SOLILOQUY_OT_build_rig,
            engine.SOLILOQUY_OT_install_engine, engine.SOLILOQUY_OT_remove_engine, engine.SOLILOQUY_OT_stop,
            engine.SOLILOQUY_OT_copy_report, engine.SOLILOQUY_OT_show_preferences, *cache.CLASSES, *defaults.CLASSES, *update.CLASSES, *regenerate.CLASSES, *retime.CLASSES, *speakers.CLASSES,
            *character.CLASSES, *presets.CLASSES, *compositing.CLASSES,
            *portrait.CLASSES, *voice.CLASSES, *live.CLASSES, *drop.CLASSES,
            *consent.CLASSES, *final.CLASSES, *trust.CLASSES)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
