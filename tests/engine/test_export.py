"""Clips into other programs' files and back, Live Link Face CSV first."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soliloquy.engine.audio.speech import Phone, Speech
from soliloquy.engine.errors import FormatError, InputError
from soliloquy.common.visemes import phone_shapes, set_keys, viseme_set
from soliloquy.engine.export import export_clip, read_clip, speech_beside
from soliloquy.engine.export.live_link import COLUMNS, read_live_link_csv, timecode, write_live_link_csv
from soliloquy.engine.export.curve_plot import write_curve_plot
from soliloquy.engine.export.sheet import head_crop, sheet_frames, write_contact_sheet
from soliloquy.engine.motion.clip import CHANNEL_INDEX, EYE_LOOK_COLUMNS, MotionClip, eye_look_from_gaze

TAKES = Path(__file__).resolve().parents[3] / "shared" / "data" / "livelink"


def clip_of(frames: int, fps: Fraction, seed: int = 0) -> MotionClip:
    random = np.random.default_rng(seed)
    return MotionClip(fps, random.random((frames, 52)).astype(np.float32), random.normal(0, 8, (frames, 3)).astype(np.float32),
                      np.zeros((frames, 3), np.float32), random.normal(0, 8, (frames, 2, 2)).astype(np.float32))


@pytest.mark.parametrize("fps", [24, 25, 30, 60, "24000/1001", "30000/1001", "60000/1001"])
def test_live_link_round_trip(tmp_path, fps):
    clip = clip_of(150, Fraction(fps))
    write_live_link_csv(clip, tmp_path / "a.csv")
    back = read_live_link_csv(tmp_path / "a.csv")
    assert back.fps == clip.fps and len(back) == len(clip)
    assert np.allclose(back.channels, clip.channels, atol=1e-6)
    assert np.allclose(back.head_rotation_deg, clip.head_rotation_deg, atol=1e-4)
    assert np.allclose(back.gaze_deg, clip.gaze_deg, atol=1e-4)


def test_columns_are_the_apps(tmp_path):
    write_live_link_csv(clip_of(2, Fraction(30)), tmp_path / "a.csv")
    first, second, *_ = (tmp_path / "a.csv").read_text().splitlines()
    names = first.split(",")
    assert names[:4] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft", "EyeLookDownLeft"]
    assert names[-10:] == ["TongueOut", "HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll",
                           "RightEyeYaw", "RightEyePitch", "RightEyeRoll"]
    assert len(names) == 63 and second.split(",")[1] == "61"


def test_columns_equal_those_of_recorded_takes():
    if not TAKES.is_dir():
        pytest.skip("the recorded takes are not here")
    for path in TAKES.glob("*.npz"):
        with np.load(path, allow_pickle=False) as take:
            assert tuple(take["columns"]) == COLUMNS[1:]


def write_take(name: str, path: Path, rows: slice = slice(None)) -> tuple[list[str], np.ndarray]:
    if not TAKES.is_dir():
        pytest.skip("the recorded takes are not here")
    with np.load(TAKES / f"{name}.npz", allow_pickle=False) as take:
        columns, values, codes = list(take["columns"]), take["values"].astype(float)[rows], take["timecode"][rows]
    with open(path, "w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["Timecode", *columns])
        lines.writerows([code, *row] for code, row in zip(codes, values))
    return columns, values


@pytest.mark.parametrize("name", ["S07-001", "S88-001", "alex_rom_3", "alex_rom_4", "apfel", "facial"])
def test_recorded_takes_are_read_at_thirty_frames(tmp_path, name):
    """60-frame timecode, a row on every second frame, a clock that is a little off, rows dropped here and there."""
    columns, values = write_take(name, tmp_path / "a.csv")
    clip = read_live_link_csv(tmp_path / "a.csv")
    assert clip.fps == 30
    assert len(values) <= len(clip) <= 1.2 * len(values)
    jaw = values[:, columns.index("JawOpen")]
    assert abs(clip.channel("jawOpen").mean() - jaw.mean()) < 0.02 and abs(clip.channel("jawOpen").max() - jaw.max()) < 0.05


def test_eye_angles_agree_with_the_eye_shapes_of_recorded_takes(tmp_path):
    """Left, right, up and down are the subject's, ours as theirs."""
    write_take("alex_rom_3", tmp_path / "a.csv")
    clip = read_live_link_csv(tmp_path / "a.csv")
    expected = eye_look_from_gaze(clip.gaze_deg)
    for number, column in enumerate(EYE_LOOK_COLUMNS):
        assert np.corrcoef(expected[:, number], clip.channels[:, column])[0, 1] > 0.9


def test_signs(tmp_path):
    clip = MotionClip.neutral(40, Fraction(30))
    clip.head_rotation_deg[:] = (10, 20, 30)
    clip.gaze_deg[:, 0], clip.gaze_deg[:, 1] = (5, 6), (7, 8)
    write_live_link_csv(clip, tmp_path / "a.csv")
    with open(tmp_path / "a.csv") as file:
        row = next(csv.DictReader(file))
    written = {name: float(row[name]) for name in COLUMNS[-9:]}
    expected = dict(zip(COLUMNS[-9:], np.radians([-10, -20, -30, -5, -6, 0, -7, -8, 0])))
    assert written == pytest.approx(expected, abs=1e-6)


@given(st.integers(0, 10**7), st.sampled_from([Fraction(24), Fraction(25), Fraction(24000, 1001), Fraction(60000, 1001)]))
@settings(max_examples=200, deadline=None)
def test_timecode_is_real_time(frame, fps):
    hours, minutes, seconds, part = timecode(frame, fps).split(":")
    assert len(hours) == len(minutes) == len(seconds) == 2 and len(part) == 6
    count = -(-fps.numerator // fps.denominator)
    assert 0 <= float(part) < count and int(seconds) < 60 and int(minutes) < 60
    told = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(part) / count
    assert told == pytest.approx(float(frame / fps) % 86400, abs=1.1e-3 / count * 1.1)


def edited(path: Path, change) -> None:
    """Rewrite a CSV with change(rows) applied to its rows, header first."""
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(change(rows))


def test_dropped_rows_are_filled_in(tmp_path):
    clip = MotionClip.neutral(90, Fraction(30))
    clip.channels[:, CHANNEL_INDEX["jawOpen"]] = np.linspace(0, 1, 90)
    write_live_link_csv(clip, tmp_path / "a.csv")
    edited(tmp_path / "a.csv", lambda rows: rows[:40] + rows[47:])
    back = read_live_link_csv(tmp_path / "a.csv")
    assert back.fps == 30 and len(back) == 90
    assert np.allclose(back.channel("jawOpen"), clip.channel("jawOpen"), atol=1e-3)


@pytest.mark.parametrize("cell", ["", "nan", "inf", "-inf", "broken", "1e999"])
def test_bad_cells_are_interpolated(tmp_path, cell):
    clip = MotionClip.neutral(60, Fraction(30))
    clip.channels[:, CHANNEL_INDEX["jawOpen"]] = np.linspace(0, 1, 60)
    write_live_link_csv(clip, tmp_path / "a.csv")
    column = COLUMNS.index("JawOpen")
    edited(tmp_path / "a.csv", lambda rows: [row[:column] + [cell] + row[column + 1:] if 10 <= n < 15 else row
                                             for n, row in enumerate(rows)])
    assert np.allclose(read_live_link_csv(tmp_path / "a.csv").channel("jawOpen"), clip.channel("jawOpen"), atol=1e-4)


def test_midnight_is_passed(tmp_path):
    write_live_link_csv(clip_of(60, Fraction(30)), tmp_path / "a.csv")

    def late(rows):
        return [rows[0]] + [[f"{'23:59:59' if n < 30 else '00:00:00'}:{n % 30:02d}.000", *row[1:]] for n, row in enumerate(rows[1:])]
    edited(tmp_path / "a.csv", late)
    back = read_live_link_csv(tmp_path / "a.csv")
    assert back.fps == 30 and len(back) == 60


def test_file_without_angles_takes_gaze_from_the_eye_shapes(tmp_path):
    clip = MotionClip.neutral(60, Fraction(30))
    clip.gaze_deg[:, 0], clip.gaze_deg[:, 1] = (12, -9), (-6, 10)
    clip.channels[:, list(EYE_LOOK_COLUMNS)] = eye_look_from_gaze(clip.gaze_deg)
    write_live_link_csv(clip, tmp_path / "a.csv")
    edited(tmp_path / "a.csv", lambda rows: [row[:54] for row in rows])
    assert np.allclose(read_live_link_csv(tmp_path / "a.csv").gaze_deg, clip.gaze_deg, atol=1e-3)


def test_short_file_needs_its_rate_told(tmp_path):
    write_live_link_csv(clip_of(10, Fraction(25)), tmp_path / "a.csv")
    with pytest.raises(FormatError, match="--fps"):
        read_live_link_csv(tmp_path / "a.csv")
    assert len(read_live_link_csv(tmp_path / "a.csv", fps=Fraction(25))) == 10


@pytest.mark.parametrize(("change", "message"), [
    (lambda rows: [], "not a Live Link Face CSV"),
    (lambda rows: rows[:1], "holds no frames"),
    (lambda rows: [["a", "b"], ["1", "2"]], "not a Live Link Face CSV"),
    (lambda rows: rows[:3] + [["soon", *rows[3][1:]]] + rows[4:], "row 4 has no timecode"),
    (lambda rows: rows[:5] + rows[4:], "row 6 is not later"),
    (lambda rows: [rows[0]] + [row[:20] for row in rows[1:]], "most values"),
    (lambda rows: rows[:2] + [[f"20:{row[0][3:]}", *row[1:]] for row in rows[2:]], "span"),
])
def test_damaged_files_are_one_line(tmp_path, change, message):
    write_live_link_csv(clip_of(100, Fraction(60)), tmp_path / "a.csv")
    edited(tmp_path / "a.csv", change)
    with pytest.raises(FormatError, match=message) as caught:
        read_live_link_csv(tmp_path / "a.csv")
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_format_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "noise.csv"
    path.write_bytes(content)
    with pytest.raises(FormatError):
        read_live_link_csv(path)


@pytest.mark.parametrize("name", ["csv", "json", "npz"])
def test_every_format_is_written_whole(tmp_path, name):
    clip = clip_of(50, Fraction(25))
    export_clip(clip, tmp_path / f"a.{name}", to=name)
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]
    if name != "npz":
        assert np.allclose(read_clip(tmp_path / f"a.{name}").channels, clip.channels, atol=1e-6)
    else:
        with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
            assert np.array_equal(arrays["channels"], clip.channels) and list(arrays["fps"]) == [25, 1]


def test_audio2face_json_holds_the_channels_by_name(tmp_path):
    clip = clip_of(20, Fraction(30))
    export_clip(clip, tmp_path / "a.json", to="audio2face")
    record = json.loads((tmp_path / "a.json").read_text())
    assert (record["numFrames"], record["numPoses"], record["exportFps"]) == (20, 52, 30)
    jaw = [row[record["facsNames"].index("jawOpen")] for row in record["weightMat"]]
    assert np.allclose(jaw, clip.channel("jawOpen"), atol=1e-4)


@pytest.fixture
def spoken() -> Speech:
    """"mama, foo" with pauses around it."""
    labels = ("SIL", "M", "AA", "M", "AA", "SIL", "F", "UW", "SIL")
    ends = np.cumsum((0.4, 0.08, 0.16, 0.07, 0.16, 0.5, 0.1, 0.2, 0.4))
    phones = [Phone(label, float(end - length), float(end)) for label, end, length in
              zip(labels, ends, np.diff(ends, prepend=0.0))]
    return Speech(float(ends[-1]), phones, [], np.zeros(10, np.float32), np.zeros(10, np.float32))


def test_visemes_follow_the_phones_and_lips_that_must_meet_do(tmp_path, spoken):
    clip = MotionClip.neutral(round(spoken.duration_s * 60), Fraction(60))
    export_clip(clip, tmp_path / "a.json", to="visemes-oculus", speech=spoken)
    record = json.loads((tmp_path / "a.json").read_text())
    weights = np.array(record["weights"])
    assert record["from"] == "phones" and weights.shape == (len(clip), 15)
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-3) and weights.min() >= 0
    expected = {"M": "PP", "AA": "aa", "F": "FF", "UW": "ou", "SIL": "sil"}
    for phone in spoken.phones:
        frame = round((phone.start_s + phone.end_s) / 2 * 60)
        assert weights[frame, record["visemes"].index(expected[phone.label])] > (0.9 if phone.label in "MF" else 0.6), phone
    assert [event["viseme"] for event in record["events"]] == ["sil", "PP", "aa", "PP", "aa", "sil", "FF", "ou", "sil"]
    opening = weights[:, record["visemes"].index("aa")]
    assert abs(np.diff(opening)).max() < 0.5, "a mouth does not jump"


@pytest.mark.parametrize("key", set_keys())
def test_every_set_knows_every_phone_and_reads_its_own_shapes_back(tmp_path, key):
    visemes = viseme_set(key)
    assert set(visemes.phones) == set(phone_shapes()) and visemes.rest in visemes.names
    clip = MotionClip.neutral(len(phone_shapes()) + 1, Fraction(25))
    for frame, shape in enumerate(phone_shapes().values()):
        for channel, value in shape.channels.items():
            for name in (channel,) if channel in CHANNEL_INDEX else (f"{channel}Left", f"{channel}Right"):
                clip.channel(name)[frame] = value
    export_clip(clip, tmp_path / "a.csv", to=f"visemes-{key}")
    with open(tmp_path / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[25]["time_s"]) == 1.0 and float(rows[-1][visemes.rest]) == 1.0
    for label, sealed in (("M", key == "vrm"), ("AA", False), ("UW", False)):
        row = rows[list(phone_shapes()).index(label)]
        wanted = visemes.rest if sealed else visemes.phones[label][0]
        assert float(row[wanted]) == max(float(row[name]) for name in visemes.names), label


def test_speech_beside_a_clip_is_found(tmp_path, spoken):
    clip_of(5, Fraction(25)).save(tmp_path / "motion.json")
    assert speech_beside(tmp_path / "motion.json") is None
    spoken.save(tmp_path / "speech.json")
    assert speech_beside(tmp_path / "motion.json").phones == spoken.phones
    assert speech_beside(tmp_path / "other.json") is None


def test_unknown_format_lists_the_known_ones(tmp_path):
    with pytest.raises(InputError, match="csv, json, npz, audio2face, visemes-microsoft"):
        export_clip(clip_of(5, Fraction(25)), tmp_path / "a.fbx", to="fbx")


def test_contact_sheet_shows_the_chosen_frames(tmp_path):
    frames = [(number, np.full((60, 80, 3), 20 * number, np.uint8)) for number in sheet_frames(10, 5)]
    write_contact_sheet(frames, tmp_path / "sheet.png", fps=Fraction(25), columns=3)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert [number for number, _ in frames] == [1, 3, 5, 7, 9]
    assert tuple(sheet[100, 150]) == (20, 20, 20) and tuple(sheet[100, 150 + 328]) == (60, 60, 60)
    assert sheet_frames(3, 16) == [0, 1, 2]


def test_head_crop_stays_inside_the_picture():
    corner = np.array([[5.0, 5.0, 0], [45.0, 65.0, 0]])
    left, top, right, bottom = head_crop(corner, (200, 150))
    assert (left, top) == (0, 0) and right - left == bottom - top == 150
    assert head_crop(corner + 60, (400, 400)) == (10, 20, 160, 170)


def test_curve_plot_is_written(tmp_path):
    speech = Speech(2.0, [Phone("SIL", 0, 1), Phone("AA", 1, 2)], [], np.zeros(201, np.float32), np.zeros(201, np.float32))
    write_curve_plot(clip_of(50, Fraction(25)), speech, np.sin(np.arange(32000) / 9).astype(np.float32), tmp_path / "a.png")
    plot = cv2.imread(str(tmp_path / "a.png"))
    assert plot.shape[1] > 1000 and plot.std() > 20
