"""Gives Blender our labels in the person's language. What can be translated is in `messages`, what is translated in `languages`."""

from __future__ import annotations

import bpy

from .languages import LOCALES, TEXTS

CONTEXTS = ("*", "Operator")
"""Labels of panels and fields; labels of buttons."""


def catalogue() -> dict[str, dict[tuple[str, str], str]]:
    """Locale -> (context, English) -> text, as `bpy.app.translations.register` wants it."""
    return {locale: {(context, english): texts[column] for english, texts in TEXTS.items() for context in CONTEXTS}
            for column, locales in enumerate(LOCALES) for locale in locales}


def register() -> None:
    bpy.app.translations.register(__package__, catalogue())


def unregister() -> None:
    bpy.app.translations.unregister(__package__)
