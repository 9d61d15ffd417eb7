"""Every label and tooltip is there for translators, nothing is without a tooltip, and Blender gets the texts we have."""

import bpy
import pytest
import user_strings

import soliloquy
from soliloquy.addon import languages, messages
from soliloquy.addon.translations import CONTEXTS, catalogue

WRITE = "run: .venv/bin/python tests/addon/user_strings.py"


@pytest.fixture(autouse=True)
def registered():
    soliloquy.register()
    yield
    soliloquy.unregister()


def test_every_label_is_in_the_catalogue():
    missing = user_strings.labels() - set(messages.LABELS)
    assert not missing, f"not in addon/messages.py, {WRITE}: {sorted(missing)}"


def test_every_tooltip_is_in_the_catalogue():
    missing = {user_strings.first_line(tip.text) for tip in user_strings.tooltips()} - {"", *messages.TOOLTIPS}
    assert not missing, f"not in addon/messages.py, {WRITE}: {sorted(missing)}"


def test_nothing_is_without_a_tooltip():
    found = user_strings.tooltips()
    assert len(found) > 150
    assert [tip.where for tip in found if not tip.text.strip()] == []


def test_only_labels_that_exist_are_translated():
    assert set(languages.TEXTS) <= set(messages.LABELS), "labels that are gone or have changed"
    for english, texts in languages.TEXTS.items():
        assert len(texts) == len(languages.LOCALES) and all(text.strip() == text and text for text in texts), english


def test_blender_is_given_labels_and_buttons_in_every_language():
    given = catalogue()
    assert {"de_DE", "fr_FR", "es", "zh_HANS", "ja_JP"} <= set(given)
    for texts in given.values():
        assert set(texts) == {(context, english) for english in languages.TEXTS for context in CONTEXTS}
    assert given["ja_JP"]["Operator", "Stop"] == "停止" and given["de_DE"]["*", "Lips"] == "Lippen"


def test_registering_twice_needs_unregistering():
    """Nothing stays behind: the name is free again after the add-on is switched off."""
    soliloquy.unregister()
    bpy.app.translations.register("soliloquy.addon", {"de_DE": {("*", "Lips"): "x"}})
    bpy.app.translations.unregister("soliloquy.addon")
    soliloquy.register()
