"""The edit loop in a real Blender without a window, with the real engine: what nobody edited is not rendered again."""

import json
import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
PICTURE, VOICE = SHARED / "portraits" / "pd_painting_mona_lisa.jpg", SHARED / "voices" / "en_short.mp3"


@pytest.mark.slow
def test_update_regenerate_export_and_render(blender, tmp_path):
    if not os.environ.get("SOLILOQUY_PYTHON"):
        pytest.skip("set SOLILOQUY_PYTHON to a Python with the engine's packages that this Blender can start")
    if not (PICTURE.is_file() and VOICE.is_file()):
        pytest.skip("the shared test portraits and voices are not here")
    blend, again = tmp_path / "scene.blend", tmp_path / "again.blend"
    made = command(blender, None, "animate", PICTURE, VOICE, "-o", tmp_path / "out", "--size", "128",
                   "--rights", "public-domain:painted about 1503", "--blend", blend)
    assert made.returncode == 0, made.stdout + made.stderr
    (nothing,) = told(command(blender, blend, "update", "--json"))["rigs"].values()
    assert nothing == {"frames": 0, "spans": []}
    took = told(command(blender, blend, "regenerate", "--frames", "20:50", "--regions", "head,brows", "--seed", "5", "--json",
                        "--blend", again))
    assert 20 <= took["frames"] <= 31 and took["kept"] == 0
    (changed,) = told(command(blender, again, "update", "--json"))["rigs"].values()
    assert 20 <= changed["frames"] <= 31 and changed["spans"][0][0] >= 19 and changed["spans"][-1][1] <= 50
    (nothing,) = told(command(blender, again, "update", "--json"))["rigs"].values()
    assert nothing["frames"] == 0
    told(command(blender, again, "export", "-o", tmp_path / "clip.csv", "--json"))
    assert (tmp_path / "clip.csv").read_text().startswith("Timecode,BlendShapeCount")
    told(command(blender, again, "render", "-o", tmp_path / "drawn", "--format", "mp4", "--size", "64", "--json"))
    assert (tmp_path / "drawn" / "video.mp4").stat().st_size > 1000
    wrong = command(blender, again, "update", "--rig", "Nobody")
    assert wrong.returncode == 2 and "Nobody is not one rig" in wrong.stderr


def command(blender, blend: Path | None, *arguments: object):
    opened = [blend] if blend else ["--factory-startup"]
    return blender.run("-b", *opened, "--addons", "bl_ext.user_default.soliloquy", "-c", "soliloquy", *arguments)


def told(done) -> dict:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{")))
