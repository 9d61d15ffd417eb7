"""Update Frames' engine side: only what changed is rendered, as a rendering of the whole would have it; all or nothing."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import wave
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from soliloquy.engine.animate import run_animate
from soliloquy.engine.errors import Cancelled, FormatError, InputError, NoRightsError
from soliloquy.engine.folder import PerformanceFolder
from soliloquy.engine.jobs import Job
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.motion.edit import Span, curves, with_curves
from soliloquy.engine.provenance.verify import INTACT, verify
from soliloquy.engine.retake import retake
from soliloquy.engine.update import update_folder

FRAMES = 30


@pytest.fixture(scope="module")
def rendered(astronaut, tmp_path_factory) -> Path:
    """A performance of a real portrait, small, as frames and as a video."""
    folder = tmp_path_factory.mktemp("update")
    astronaut.save(folder / "astronaut.portrait")
    with wave.open(str(folder / "voice.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        clock = np.arange(int(16000 * 1.2)) / 16000
        burst = np.sin(2 * np.pi * 140 * clock) * (np.sin(2 * np.pi * 3 * clock) > 0) * 12000
        file.writeframes(burst.astype("<i2").tobytes())
    run_animate(Job.from_record({"portrait": str(folder / "astronaut.portrait"), "audio": str(folder / "voice.wav"),
                                 "out": str(folder / "out"), "size": "96", "formats": ["png", "mp4"],
                                 "rights": "public-domain:NASA"}))
    return folder / "out"


@pytest.fixture
def folder(rendered, tmp_path) -> Path:
    shutil.copytree(rendered, tmp_path / "out")
    return tmp_path / "out"


def edited(folder: Path, first: int, end: int) -> MotionClip:
    clip = MotionClip.load(folder / "motion.json")
    clip.channel("jawOpen")[first:end] = 0.7
    clip.head_rotation_deg[first:end, 0] += 5
    return clip


def pictures(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "frames").iterdir())]


def test_nothing_changed_renders_nothing(folder):
    before = snapshot(folder)
    assert update_folder(folder, MotionClip.load(folder / "motion.json")) == {"frames": 0, "spans": []}
    assert snapshot(folder) == before


def test_only_the_changed_frames_are_rendered_as_in_a_rendering_of_the_whole(folder, tmp_path):
    before, clip = pictures(folder), edited(folder, 10, 14)
    assert update_folder(folder, clip) == {"frames": 4, "spans": [[10, 14]]}
    after = pictures(folder)
    assert [index for index in range(FRAMES) if before[index] != after[index]] == [10, 11, 12, 13]
    shutil.rmtree(folder / "frames")
    (folder / "frames").mkdir()
    update_folder(folder, clip)
    for one, whole in zip(after, pictures(folder), strict=True):
        difference = np.abs(decoded(one).astype(int) - decoded(whole))
        assert difference.max() <= 1 and (difference > 0).mean() < 0.001
    assert curves(MotionClip.load(folder / "motion.json")) == pytest.approx(curves(clip), abs=1e-6)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def decoded(png: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)


def test_credentials_and_mark_hold_for_all_frames_and_the_video(folder):
    number = PerformanceFolder.read(folder).mark_number
    update_folder(folder, edited(folder, 20, 25))
    report = json.loads((folder / "report.json").read_text())
    assert int(report["seal"]["mark"]["number"], 16) == number
    assert report["updates"] == [{"frames": 5, "spans": [[20, 25]]}]
    for name in ("frames", "video.mp4"):
        assert [finding.status for finding in verify(folder / name)] == [INTACT], name
    (folder / "frames" / "000003.png").write_bytes((folder / "frames" / "000004.png").read_bytes())
    assert [finding.status for finding in verify(folder / "frames")] != [INTACT], "the test could see an altered frame"


def test_the_video_shows_the_new_frames(folder):
    def difference(index):
        frame = cv2.imread(str(folder / "frames" / f"{index + 1:06d}.png")).astype(float)
        return ((shown[index] - frame) ** 2).mean()

    def played():
        video = cv2.VideoCapture(str(folder / "video.mp4"))
        frames = [video.read()[1] for _ in range(FRAMES)]
        assert not video.read()[0]
        return frames

    shown = played()
    by_coding = [difference(index) for index in (9, 12, 20)]
    update_folder(folder, edited(folder, 10, 14))
    assert difference(12) > 2 * max(by_coding), "the test could see the old frame in the new one's place"
    shown = played()
    assert all(difference(index) < 1.3 * max(by_coding) for index in (9, 12, 20))


def test_what_the_generator_said_is_kept(folder):
    generated = MotionClip.load(folder / "motion.json")
    update_folder(folder, edited(folder, 10, 14))
    update_folder(folder, edited(folder, 20, 22))
    made = PerformanceFolder.read(folder)
    assert (curves(made.generated()) == curves(generated)).all()
    take = made.next_take()
    edited(folder, 1, 2).save(take)
    update_folder(folder, edited(folder, 24, 25), generated=take)
    assert (curves(made.generated()) == curves(MotionClip.load(take))).all(), "or what it was regenerated to since"
    clip = made.shown()
    clip.provenance["generated_file"] = "../../elsewhere.json"
    clip.save(folder / "motion.json")
    assert (curves(made.generated()) == curves(generated)).all(), "a name that leads out of the folder is not followed"


def test_a_missing_frame_is_rendered_again(folder):
    before = pictures(folder)
    (folder / "frames" / "000017.png").unlink()
    assert update_folder(folder, MotionClip.load(folder / "motion.json"))["spans"] == [[16, 17]]
    assert np.abs(decoded(pictures(folder)[16]).astype(int) - decoded(before[16])).max() <= 1


def test_videos_alone_are_rendered_whole(folder):
    shutil.rmtree(folder / "frames")
    assert update_folder(folder, edited(folder, 3, 5))["frames"] == FRAMES
    assert not (folder / "frames").exists()


def test_stopping_leaves_everything_as_it_was(folder):
    before = snapshot(folder)

    def stop(stage: str, done: int, total: int) -> None:
        if stage == stop_at:
            raise Cancelled("Stopped.")
    for stop_at in ("render", "sign", "encode"):
        with pytest.raises(Cancelled):
            update_folder(folder, edited(folder, 10, 14), progress=stop)
        assert snapshot(folder) == before, stop_at


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.skipif(os.name != "posix", reason="the limit on a file's size is POSIX's")
def test_a_full_disk_leaves_everything_as_it_was(folder):
    """Files of more than 4 kB cannot be written: a frame has more."""
    edited(folder, 10, 14).save(folder.parent / "edited.json")
    before = snapshot(folder)
    done = subprocess.run([sys.executable, "-c", _UPDATE, str(folder), str(folder.parent / "edited.json")], capture_output=True,
                          text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
    assert done.returncode == 6 and "Cannot write" in done.stderr, done.stderr
    assert snapshot(folder) == before


_UPDATE = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from soliloquy.engine.errors import SoliloquyError
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.update import update_folder
try:
    update_folder(Path(sys.argv[1]), MotionClip.load(sys.argv[2]), progress=lambda *report: print(*report, flush=True))
except SoliloquyError as error:
    sys.stderr.write(f"{error}")
    sys.exit(error.exit_code)
"""


def test_an_update_that_was_killed_is_done_by_the_next(folder):
    clip = edited(folder, 2, 28)
    clip.save(folder.parent / "edited.json")
    running = subprocess.Popen([sys.executable, "-c", _UPDATE, str(folder), str(folder.parent / "edited.json")],
                               stdout=subprocess.PIPE, text=True)
    for line in running.stdout:
        if line.startswith("sign 20"):
            running.send_signal(signal.SIGKILL)
            break
    running.wait()
    running.stdout.close()
    assert update_folder(folder, clip)["frames"] == 26
    assert [finding.status for finding in verify(folder / "frames")] == [INTACT]
    assert not [path for path in folder.iterdir() if path.name.startswith(".update.")], "and what it left is gone"


def test_other_frames_lost_rights_and_wrong_folders_are_refused(folder, monkeypatch, tmp_path):
    clip = edited(folder, 10, 14)
    with pytest.raises(InputError, match="same frames"):
        update_folder(folder, clip.sliced(0, 20))
    policy = tmp_path / "policy.toml"
    policy.write_text('[rights]\nbases = ["self"]\n')
    monkeypatch.setenv("SOLILOQUY_POLICY", str(policy))
    with pytest.raises(NoRightsError):
        update_folder(folder, clip)
    (folder / "report.json").write_text("{}")
    with pytest.raises(FormatError, match=r"report\.json is not a readable report"):
        update_folder(folder, clip)


def test_a_retake_keeps_what_a_hand_made_and_is_another_take_elsewhere(folder):
    made = PerformanceFolder.read(folder)
    from soliloquy.engine.audio.speech import Speech
    generated = made.generated()
    by_hand = edited(folder, 12, 15)
    again = retake(by_hand, generated, Speech.load(made.speech), regions=["head", "jaw"], spans=[Span(0.2, 1.0)])
    assert (again.clip.channel("jawOpen")[12:15] == by_hand.channel("jawOpen")[12:15]).all()
    assert (again.clip.head_rotation_deg[12:15, 0] == by_hand.head_rotation_deg[12:15, 0]).all()
    assert np.abs(again.clip.head_rotation_deg[8:20, 1] - generated.head_rotation_deg[8:20, 1]).max() > 0.2
    assert (again.generated.channel("jawOpen")[12:15] == generated.channel("jawOpen")[12:15]).all()
    assert again.clip.provenance["edits"][0]["seed"] == 1
    second = retake(again.clip, again.generated, Speech.load(made.speech), regions=["head", "jaw"], spans=[Span(0.2, 1.0)])
    assert (second.clip.channel("jawOpen")[12:15] == by_hand.channel("jawOpen")[12:15]).all(), "and is kept the next time too"
    assert second.clip.provenance["edits"][1]["seed"] == 2


def test_retake_of_the_whole_with_the_same_seed_is_the_same_clip(folder):
    from soliloquy.engine.audio.speech import Speech
    made = PerformanceFolder.read(folder)
    again = retake(made.generated(), made.generated(), Speech.load(made.speech), seed=0)
    assert np.abs(curves(again.clip) - curves(made.generated())).max() < 1e-5
    shorter = with_curves(made.generated(), curves(made.generated())[:10])
    with pytest.raises(InputError, match="do not belong together"):
        retake(shorter, shorter, Speech.load(made.speech))
    assert Fraction(again.clip.fps) == made.generated().fps
