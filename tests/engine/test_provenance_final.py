"""A scene's final keeps what the portraits in it carry: video, still and frames, from frames, videos and rigs."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from soliloquy.engine.cli import app
from soliloquy.engine.errors import InputError, NoRightsError, OutputError
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.provenance.consent import Rights
from soliloquy.engine.provenance.final import seal_final
from soliloquy.engine.provenance.policy import FILE_VARIABLE, Policy
from soliloquy.engine.provenance.seal import Seal
from soliloquy.engine.provenance.verify import ALTERED, INTACT, NO_CREDENTIALS, verify
from soliloquy.engine.render.write import ffmpeg_binary
from soliloquy.engine.tasks import TASKS

SIZE = (96, 64)


@pytest.fixture
def scene(tmp_path) -> Path:
    """Two portraits with credentials (frames of one, a video of another), a backdrop without, and finals rendered
    elsewhere."""
    random = np.random.default_rng(2)
    for name, statement in (("ada", "release 12"), ("bob", "release 13")):
        folder = tmp_path / name
        folder.mkdir()
        seal = Seal(
            Policy(),
            Rights("consent", statement, subject=name.title()).stated(),
            clip=MotionClip.neutral(3),
            inputs={"portrait": "ab" * 32},
            sources={},
        )
        with (
            seal.png_sink(folder / "frames") as frames,
            seal.video_sink(folder / "video.mp4", size=SIZE, fps=Fraction(25), frames=3, audio=None) as video,
        ):
            for _ in range(3):
                frame = seal.mark(random.integers(0, 256, (SIZE[1], SIZE[0], 3)).astype(np.uint8))
                frames.write(frame)
                video.write(frame)
    cv2.imwrite(str(tmp_path / "backdrop.png"), random.integers(0, 256, (64, 96, 3)).astype(np.uint8))
    (tmp_path / "render").mkdir()
    for number in range(1, 4):
        cv2.imwrite(str(tmp_path / "render" / f"shot_{number:04d}.png"), np.full((64, 96, 3), number, np.uint8))
    shutil.copy(tmp_path / "render" / "shot_0001.png", tmp_path / "still.png")
    subprocess.run(
        [ffmpeg_binary(), "-loglevel", "error", "-i", tmp_path / "render" / "shot_%04d.png", tmp_path / "final.mp4"],
        check=True,
    )
    return tmp_path


def used(scene: Path) -> list[Path]:
    return [scene / "ada" / "frames" / "000002.png", scene / "bob" / "video.mp4", scene / "backdrop.png", scene / "gone.png"]


@pytest.mark.parametrize("final", ["final.mp4", "still.png", "render"])
def test_a_final_names_every_portrait_in_it(scene, final):
    made = seal_final(scene / final, used(scene))
    assert [portrait["state"] for portrait in made["portraits"]] == ["intact", "intact"]
    (finding,) = verify(scene / final)
    assert finding.status == INTACT, finding.text()
    ada, bob = finding.credentials.claimed["portraits"]
    assert (ada["rights"]["subject"], bob["rights"]["subject"]) == ("Ada", "Bob") and ada["inputs"]["portrait"][
        "sha256"
    ] == "ab" * 32
    assert (
        "a scene with 2 animated portraits" in finding.text()
        and "release 12" in finding.text()
        and "release 13" in finding.text()
    )


def test_any_c2pa_reader_finds_the_portraits_own_manifests(scene):
    import c2pa
    seal_final(scene / "final.mp4", used(scene))
    with c2pa.Reader(str(scene / "final.mp4")) as reader:
        store = json.loads(reader.json())
    active = store["manifests"][store["active_manifest"]]
    assert store["validation_state"] == "Valid" and len(store["manifests"]) == 3
    assert [item["relationship"] for item in active["ingredients"]] == ["componentOf", "componentOf"]
    assert all(item["active_manifest"] in store["manifests"] for item in active["ingredients"])
    actions = next(entry["data"]["actions"] for entry in active["assertions"] if entry["label"].startswith("c2pa.actions"))
    assert [action["action"] for action in actions] == ["c2pa.created", "c2pa.placed", "c2pa.placed"]


def test_the_pixels_of_the_final_stay(scene):
    before = cv2.imread(str(scene / "still.png"))
    frames = {path.name: path.read_bytes() for path in (scene / "render").iterdir()}
    seal_final(scene / "still.png", used(scene))
    seal_final(scene / "render", used(scene))
    assert np.array_equal(cv2.imread(str(scene / "still.png")), before)
    assert {path.name: path.read_bytes() for path in (scene / "render").iterdir()} == frames


def test_a_sealed_final_that_is_changed_shows(scene):
    seal_final(scene / "render", used(scene))
    seal_final(scene / "final.mp4", used(scene))
    (scene / "render" / "shot_0002.png").write_bytes((scene / "render" / "shot_0003.png").read_bytes())
    data = bytearray((scene / "final.mp4").read_bytes())
    data[len(data) // 2] ^= 1
    (scene / "final.mp4").write_bytes(data)
    assert verify(scene / "render")[0].status == ALTERED and verify(scene / "final.mp4")[0].status == ALTERED


def test_portraits_that_were_changed_before_are_told_as_such(scene):
    frame = scene / "ada" / "frames" / "000003.png"
    cv2.imwrite(str(frame), cv2.imread(str(frame)) // 2)
    assert seal_final(scene / "still.png", used(scene)[:1])["portraits"][0]["state"].startswith("altered")
    assert "altered before this final was made" in verify(scene / "still.png")[0].text()


def test_a_final_of_finals_still_leads_to_the_portraits(scene):
    seal_final(scene / "final.mp4", used(scene))
    seal_final(scene / "still.png", [scene / "final.mp4"])
    text = verify(scene / "still.png")[0].text()
    assert "Shows final.mp4" in text and "release 12" in text and "release 13" in text


def test_rigs_carry_their_rights_in_the_scene(scene, tmp_path, monkeypatch):
    stated = [
        {
            "name": "ada rig",
            "sha256": "cd" * 32,
            "rights": Rights("consent", "release 12", stated_by="office").stated().to_record(),
        }
    ]
    job = {"final": str(scene / "still.png"), "stated": stated}
    assert TASKS["seal"]({"command": "seal", "job": job}, lambda *_: None)["portraits"] == [
        {"name": "ada rig", "state": "as the scene says"}
    ]
    (finding,) = verify(scene / "still.png")
    assert finding.status == INTACT and "release 12" in finding.text() and "office" not in json.dumps(finding.as_json())
    for wrong in ({"sha256": "x"}, {"rights": "mine"}, {"rights": None}):
        with pytest.raises(InputError):
            seal_final(scene / "still.png", [], stated=[stated[0] | wrong])
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "policy.toml"))
    (tmp_path / "policy.toml").write_text('[rights]\nbases = ["licensed"]\n')
    with pytest.raises(NoRightsError):
        seal_final(scene / "still.png", [], stated=stated)


def test_nothing_is_handed_on_that_is_not_there(scene):
    with pytest.raises(InputError, match="nothing to hand on"):
        seal_final(scene / "still.png", [scene / "backdrop.png", scene / "gone.png"])
    assert verify(scene / "still.png")[0].status == NO_CREDENTIALS


@pytest.mark.parametrize("final, error", [("gone.mp4", InputError), ("final.exr", OutputError), ("ada", InputError)])
def test_finals_that_cannot_be_sealed(scene, final, error):
    (scene / "final.exr").write_bytes(b"v/1\x01")
    with pytest.raises(error) as caught:
        seal_final(scene / final, used(scene))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("job", [None, {}, {"final": 3}, {"final": "x", "sources": "x"}, {"final": "x", "stated": ["x"]}])
def test_jobs_that_cannot_be(job):
    with pytest.raises(InputError):
        TASKS["seal"]({"command": "seal", "job": job}, lambda *_: None)


def test_only_the_frames_of_this_rendering_are_sealed(scene):
    made = seal_final(scene / "render", used(scene), names=["shot_0001.png", "shot_0002.png"])
    (scene / "render" / "shot_0003.png").unlink()
    assert verify(Path(made["out"]).with_suffix(""))[0].status == INTACT
    for names in (["gone.png"], ["../still.png"]):
        with pytest.raises(InputError):
            seal_final(scene / "render", used(scene), names=names)


def test_command_line(scene):
    arguments = ["seal", str(scene / "render"), *(part for path in used(scene) for part in ("--with", str(path)))]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0 and "credentials of 2 portraits handed on" in result.output
    assert CliRunner().invoke(app, ["verify", str(scene / "render")]).exit_code == 0
