"""Consent is asked once for each portrait; Verify tells; a final gets the credentials of what it shows."""

import json
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import addon_samples
import bpy
import cv2
import numpy as np
import pytest

import soliloquy
from soliloquy.addon import paths, rights
from soliloquy.addon.commands import run
from soliloquy.addon.engine_client import PYTHON_VARIABLE
from soliloquy.addon.operators import final, prechecks, trust
from soliloquy.addon.operators.animate import animate_job
from soliloquy.addon.scene.assemble import assemble
from soliloquy.addon.scene.portrait_file import read_portrait
from soliloquy.addon.scene.rig import build_rig
from soliloquy.addon.scene.sources import sources_of, stated_in
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.provenance.consent import Rights
from soliloquy.engine.provenance.final import SIGNABLE_SUFFIXES
from soliloquy.engine.provenance.policy import RIGHTS_FIELDS, Policy
from soliloquy.engine.provenance.seal import Seal
from soliloquy.engine.provenance.verify import INTACT, NO_CREDENTIALS, verify

SIZE = (64, 48)


@pytest.fixture(autouse=True)
def registered(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("SOLILOQUY_KEYS", str(tmp_path_factory.mktemp("keys")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("configuration")))
    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    soliloquy.register()
    yield
    soliloquy.unregister()


@pytest.fixture
def settings(tmp_path):
    for name in ("ada.png", "bob.png"):
        (tmp_path / name).touch()
    chosen = bpy.context.scene.soliloquy
    chosen.picture = str(tmp_path / "ada.png")
    return chosen


@pytest.fixture
def performance(tmp_path) -> Path:
    """A folder as `animate` writes it, its frames sealed by the engine."""
    folder = addon_samples.make_folder(tmp_path / "performance", 3, Fraction(24))
    shutil.rmtree(folder / "frames")
    seal = Seal(Policy(), Rights("consent", "release 12", subject="Ada").stated(), clip=MotionClip.neutral(3),
                inputs={"portrait": "ab" * 32}, sources={})
    with seal.png_sink(folder / "frames") as sink:
        for level in (40, 90, 140):
            sink.write(seal.mark(np.full((SIZE[1], SIZE[0], 3), level, np.uint8)))
    return folder


@pytest.fixture
def scene(tmp_path):
    """Renders three small frames of the sequencer in next to no time."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 3
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = *SIZE, 100
    scene.render.fps, scene.render.fps_base = 24, 1.0
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.render.filepath = str(tmp_path / "render" / "shot_")
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    return scene


def test_consent_belongs_to_one_picture_and_is_remembered(settings, tmp_path):
    settings.rights, settings.rights_subject, settings.rights_statement = "consent", "Ada", "release 12"
    rights.remember(settings)
    settings.picture = str(tmp_path / "bob.png")
    assert settings.rights == rights.NOT_SAID and settings.rights_subject == "", "what was said of Ada is not said of Bob"
    settings.picture = str(tmp_path / "ada.png")
    assert (settings.rights, settings.rights_subject, settings.rights_statement) == ("consent", "Ada", "release 12"), (
        "not asked twice"
    )


def test_consent_is_kept_in_the_file(settings, tmp_path):
    settings.rights, settings.rights_scope = "licensed", "the spring film"
    rights.remember(settings)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    opened = bpy.context.scene.soliloquy
    opened.picture = str(tmp_path / "bob.png")
    opened.picture = str(tmp_path / "ada.png")
    assert (opened.rights, opened.rights_scope) == ("licensed", "the spring film")


def test_dialog_refuses_what_cannot_be_and_goes_on_otherwise(settings):
    for wrong in (
        {"rights": rights.NOT_SAID},
        {"rights": "consent", "rights_expires": "soon"},
        {"rights": "consent", "rights_expires": "2001-01-01"},
    ):
        for name, value in wrong.items():
            setattr(settings, name, value)
        with pytest.raises(RuntimeError):
            bpy.ops.soliloquy.state_rights()
        assert len(settings.rights_said) == 0
    settings.rights_expires = "2099-12-31"
    assert bpy.ops.soliloquy.state_rights() == {"FINISHED"} and len(settings.rights_said) == 1
    assert bpy.ops.soliloquy.state_rights() == {"FINISHED"} and len(settings.rights_said) == 1


def test_record_is_one_the_engine_takes(settings):
    settings.rights = "consent"
    for field, name in rights.FIELDS.items():
        setattr(settings, name, "2099-12-31" if field == "expires" else f"the {field}")
    record = animate_job(bpy.context.scene, Path("/tmp/out"))["rights"]
    assert Rights.from_record(record) == Rights("consent", "the statement", "the subject", "", "", "the scope", "2099-12-31")
    assert set(rights.FIELDS) <= set(RIGHTS_FIELDS)
    assert rights.summary(settings) == "The person shown agreed in writing: the subject, the statement, until 2099-12-31"


def test_animate_without_rights_says_so_before_any_work(settings, tmp_path):
    (tmp_path / "voice.wav").touch()
    settings.voice, settings.output_folder = str(tmp_path / "voice.wav"), str(tmp_path / "made")
    assert prechecks.cannot_animate(bpy.context) == "", "the button is live: pressed in a window, it asks"
    with pytest.raises(RuntimeError, match="on what basis"):
        bpy.ops.soliloquy.animate()
    assert not (tmp_path / "made").exists()


def test_verify_tells_in_words(performance):
    assert bpy.ops.soliloquy.verify(filepath=str(performance / "frames")) == {"FINISHED"}
    status = bpy.context.window_manager.soliloquy
    assert status.message == "frames: intact" and not status.failed
    (found,) = json.loads(bpy.context.window_manager.soliloquy_trust.findings)
    assert found["status"] == INTACT and any("release 12" in line for line in found["told"])
    assert bpy.ops.soliloquy.verify_file(filepath=str(performance)) == {"FINISHED"}


def test_active_strip_can_be_verified(performance, scene):
    assemble(performance, rig=False)
    strip = next(strip for strip in scene.sequence_editor.strips_all if strip.type == "IMAGE")
    scene.sequence_editor.active_strip = strip
    assert trust.active_file(bpy.context) == performance / "frames" / "000001.png"


@pytest.mark.parametrize("kind, expected", [(final.ANIMATION, "render"), (final.STILL, "shot_.png")])
def test_final_of_strips_carries_their_credentials(performance, scene, tmp_path, kind, expected):
    assemble(performance, rig=False)
    scene.frame_set(2)
    assert bpy.ops.soliloquy.final(kind=kind) == {"FINISHED"}
    out = tmp_path / "render" if kind == final.ANIMATION else tmp_path / "render" / expected
    (finding,) = verify(out)
    assert finding.status == INTACT, finding.text()
    assert finding.credentials.claimed["portraits"][0]["rights"]["subject"] == "Ada"
    assert "performance" in bpy.context.window_manager.soliloquy.message and not bpy.app.handlers.render_complete


def test_what_blender_rendered_already_is_sealed_as_it_is(performance, scene, tmp_path):
    assemble(performance, rig=False)
    with pytest.raises(RuntimeError, match="Render the scene first"):
        bpy.ops.soliloquy.final(render=False)
    bpy.ops.render.render(animation=True)
    before = {path.name: path.read_bytes() for path in (tmp_path / "render").iterdir()}
    assert verify(tmp_path / "render")[0].status == NO_CREDENTIALS
    assert bpy.ops.soliloquy.final(render=False) == {"FINISHED"}
    assert verify(tmp_path / "render")[0].status == INTACT
    assert {path.name: path.read_bytes() for path in (tmp_path / "render").iterdir()} == before


def test_command_line_renders_seals_and_verifies(performance, scene, tmp_path, capsys):
    assemble(performance, rig=False)
    assert run(["final", "-o", str(tmp_path / "shots") + "/"]) == 0
    assert "credentials of performance" in capsys.readouterr().out
    assert run(["verify", str(tmp_path / "shots")]) == 0
    frame = tmp_path / "shots" / "0002.png"
    picture = cv2.imread(str(frame))
    picture[0, 0] ^= 1
    cv2.imwrite(str(frame), picture)
    assert run(["verify", str(tmp_path / "shots")]) == 1
    assert "frames changed" in capsys.readouterr().out


def test_a_scene_that_shows_nothing_has_nothing_to_hand_on(scene):
    with pytest.raises(RuntimeError, match="nothing to hand on"):
        bpy.ops.soliloquy.final(render=False)


def test_output_that_cannot_carry_credentials_greys_the_button(scene):
    assert final.cannot_seal(bpy.context) == ""
    scene.render.image_settings.file_format = "OPEN_EXR"
    assert ".exr cannot carry credentials" in final.cannot_seal(bpy.context) and not bpy.ops.soliloquy.final.poll()
    scene.render.filepath = "//render/"
    assert final.cannot_seal(bpy.context).startswith("Save the .blend first")
    assert set(final.SIGNABLE) == set(SIGNABLE_SUFFIXES)


def test_rig_says_whose_it_is(scene, tmp_path):
    made = addon_samples.make_portrait()
    made.provenance.update(
        {"source": "ada.png", "source_sha256": "cd" * 32, "rights": Rights("consent", "release 12").stated().to_record()}
    )
    made.save(tmp_path / "ada.portrait")
    assert stated_in(scene) == []
    rig = build_rig(read_portrait(tmp_path / "ada.portrait"), scene, name="ada")
    (stated,) = stated_in(scene)
    assert (stated["name"], stated["sha256"], stated["rights"]["statement"]) == ("ada.png", "cd" * 32, "release 12")
    rig.armature.hide_render = True
    assert stated_in(scene) == []
    rig.armature.hide_render = False
    rig.armature["soliloquy_origin"] = "{nonsense"
    assert stated_in(scene) == []


def test_sources_are_found_wherever_a_scene_shows_them(performance, scene, tmp_path):
    def picture(name: str) -> Path:
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4, 3), np.uint8))
        return tmp_path / name

    material = bpy.data.materials.new("m")
    material.use_nodes = True
    texture = material.node_tree.nodes.new("ShaderNodeTexImage")
    texture.image = bpy.data.images.load(str(picture("texture.png")))
    mesh = bpy.data.meshes.new("plane")
    mesh.materials.append(material)
    scene.collection.objects.link(bpy.data.objects.new("plane", mesh))
    empty = bpy.data.objects.new("reference", None)
    empty.empty_display_type, empty.data = "IMAGE", bpy.data.images.load(str(picture("empty.png")))
    scene.collection.objects.link(empty)
    unused = bpy.data.images.load(str(picture("unused.png")))
    inner = bpy.data.scenes.new("inner")
    assemble(performance, scene=scene, strip_scene=inner, rig=False)
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strips.new_scene("inner", inner, 3, 1)
    found = {path.name for path in sources_of(scene)}
    assert {"texture.png", "empty.png", "000001.png"} <= found and Path(unused.filepath).name not in found
    empty.hide_render = True
    assert "empty.png" not in {path.name for path in sources_of(scene)}


def test_panel_words_fit_the_engines(performance):
    from soliloquy.addon.trust_panel import ICONS
    from soliloquy.engine.provenance.verify import VERDICTS
    assert set(ICONS) == set(VERDICTS) and paths.BOOTSTRAP.is_file()
