"""The live stream is read as the engine writes it; what is no frame is skipped; a recording keeps its time over gaps."""

import io
import json
from fractions import Fraction

import numpy as np
import pytest

from soliloquy.addon.live_stream import LiveStream
from soliloquy.addon.scene.performance import columns_of
from soliloquy.engine.motion.clip import ARKIT_CHANNELS


def line(number: int, *, value: float = 0.5, **changes) -> str:
    record = {"frame": number, "time_s": number / 30, "channels": dict.fromkeys(ARKIT_CHANNELS, value),
              "head_rotation_deg": [1, 2, 3], "head_translation_m": [0.01, 0.02, 0.03], "gaze_deg": [[4, 5], [6, 7]],
              "concealed": False}
    return json.dumps(record | changes)


def test_frame_holds_all_values_in_the_clips_order():
    frame = LiveStream(record=False).read(line(3))
    assert frame.number == 3
    np.testing.assert_allclose(frame.columns[:-3], [*[0.5] * 52, 1, 2, 3, 0.01, 0.02, 0.03, 4, 5, 6, 7])
    assert frame.columns[-3:].tolist() == [0, 0, 1], "a stream from before says by the upper lip's roll that lips meet"


def test_tongue_and_lips_that_come_together_are_read():
    frame = LiveStream(record=False).read(line(3, tongue=[0.25, 0.5], lips_together=0.75))
    assert frame.columns[-3:].tolist() == [0.25, 0.5, 0.75]


@pytest.mark.parametrize("text", ["", "hello", "[1]", "{}", '{"frame": 1}', line(1, channels={"jawOpen": 1}),
                                  line(1, gaze_deg=[1]),
                                  line(1, head_rotation_deg=["NaN", 0, 0]), '{"format": "soliloquy-live", "fps": "0/0"}',
                                  line(1, padding="x" * 70_000)])
def test_other_lines_are_skipped(text):
    stream = LiveStream(record=True)
    assert stream.read(text) is None and stream.clip() is None


def test_values_out_of_range_are_bounded():
    frame = LiveStream(record=False).read(line(1, value=7.0, head_translation_m=[1e9, 0, 0]))
    assert frame.columns.max() <= 10 and frame.columns[0] == 1.0


def test_recording_holds_the_last_frame_over_a_gap():
    stream = LiveStream(record=True)
    for text in ('{"format": "soliloquy-live", "fps": "24000/1001"}', line(5, value=0.1), line(6, value=0.2),
                 line(9, value=0.3),
                 line(9, value=0.9), line(8, value=0.9)):
        stream.read(text)
    clip = stream.clip()
    assert clip.fps == Fraction(24000, 1001) and len(clip) == 5
    np.testing.assert_allclose(clip.channels[:, 0], [0.1, 0.2, 0.2, 0.2, 0.3])
    np.testing.assert_allclose(columns_of(clip)[0, 52:], [1, 2, 3, 0.01, 0.02, 0.03, 4, 5, 6, 7, 0, 0, 0.2], rtol=1e-6)


def test_what_the_engine_writes_is_read():
    """The engine's own writer, over a little silence and a tone."""
    from soliloquy.engine.live.performance import LivePerformance
    from soliloquy.engine.live.sinks import open_sink
    from soliloquy.engine.motion.direction import Direction

    written = io.StringIO()
    sink = open_sink("stdout", "", stdout=written, fps=Fraction(30), seed=0)
    performance = LivePerformance(Direction(), seed=0, fps=Fraction(30))
    made = 0
    for frame in performance.push(np.sin(np.arange(16000) * 0.05).astype(np.float32) * 0.2):
        sink.send(frame)
        made += 1
    stream = LiveStream(record=True)
    seen = [stream.read(text) for text in written.getvalue().splitlines()]
    assert made > 10 and sum(frame is not None for frame in seen) == made and stream.fps == 30
