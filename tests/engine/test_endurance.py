"""`soliloquy bench`: what one picture and a long clip cost, and that a long clip costs no more memory than a short one."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from soliloquy.engine.cli import app
from soliloquy.engine.errors import Cancelled, SoliloquyError
from soliloquy.engine.measure.endurance import endure, restless_clip
from soliloquy.engine.motion.clip import CHANNEL_INDEX

MINUTE = 1500


def test_the_clip_never_rests_and_is_the_same_every_time():
    clip = restless_clip(MINUTE)
    clip.check()
    assert np.array_equal(clip.head_rotation_deg, restless_clip(MINUTE).head_rotation_deg)
    for start in range(0, MINUTE - 75, 75):
        assert np.ptp(clip.head_rotation_deg[start:start + 75, 0]) > 1 and np.ptp(clip.channel("jawOpen")[start:start + 75]) > 0.3
    assert clip.channels[:, CHANNEL_INDEX["eyeBlinkLeft"]].max() > 0.9


def test_a_picture_that_cannot_be_used_is_one_line(tmp_path):
    (tmp_path / "no.png").write_bytes(b"no picture")
    with pytest.raises(SoliloquyError, match="no.png") as raised:
        endure(tmp_path / "no.png")
    assert "\n" not in str(raised.value)


def test_it_stops_when_told(astronaut_path):
    def stop(stage, done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        endure(astronaut_path, progress=stop)


@pytest.mark.slow
def test_memory_is_flat_over_the_minutes(astronaut_path):
    printed = CliRunner().invoke(app, ["bench", str(astronaut_path), "--size", "64", "--minutes", "3", "--json"])
    found = json.loads(printed.stdout.splitlines()[-1])
    first, *_, last = found["minutes_mib"]
    assert len(found["minutes_mib"]) == 3 and last < 1.03 * first
    assert found["render_peak_mib"] < 1500 and found["build_peak_mib"] < 1500
