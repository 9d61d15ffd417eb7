"""Content Credentials: what is written is true, holds until a byte changes, and says whose key signed."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from soliloquy.engine.cli import app
from soliloquy.engine.files import sha256_of
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.provenance.consent import Rights
from soliloquy.engine.provenance.credentials import SOURCE_TYPE
from soliloquy.engine.provenance.policy import Policy
from soliloquy.engine.provenance.seal import Seal
from soliloquy.engine.provenance.verify import ALTERED, INTACT, NO_CREDENTIALS, UNREADABLE, verify
from soliloquy.engine.render.write import ffmpeg_binary

FRAMES, SIZE = 30, (512, 512)


def ffmpeg(*arguments: object) -> None:
    subprocess.run([ffmpeg_binary(), "-loglevel", "error", "-y", *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory, astronaut_path) -> Path:
    """A sealed video with sound and its frames: a photograph in which the face slides a little."""
    folder = tmp_path_factory.mktemp("made")
    ffmpeg("-f", "lavfi", "-i", "sine=440:duration=2", folder / "voice.wav")
    picture = cv2.cvtColor(cv2.imread(str(astronaut_path)), cv2.COLOR_BGR2RGB)
    seal = Seal(
        Policy(),
        Rights("public-domain", "NASA", subject="Eileen Collins").stated(),
        clip=MotionClip.neutral(FRAMES),
        seed=3,
        inputs={"portrait": sha256_of(astronaut_path), "voice": sha256_of(folder / "voice.wav")},
        sources={},
    )
    sinks = (seal.video_sink(folder / "video.mp4", size=SIZE, fps=Fraction(25), frames=FRAMES, audio=folder / "voice.wav"),
             seal.png_sink(folder / "frames"))
    with contextlib.ExitStack() as stack:
        open_sinks = [stack.enter_context(sink) for sink in sinks]
        for number in range(FRAMES):
            moved = picture.copy()
            moved[60:220, 160:300] = picture[60 + number // 4:220 + number // 4, 160:300]
            frame = seal.mark(moved)
            for sink in open_sinks:
                sink.write(frame)
    (folder / "voice.wav").unlink()
    return folder


@pytest.fixture
def copy(made, tmp_path) -> Path:
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def status(path: Path) -> int:
    (finding,) = verify(path)
    return finding.status


def test_everything_is_intact_and_says_what_it_is(made, astronaut_path):
    findings = {finding.path.name: finding for finding in verify(made)}
    assert {name: finding.status for name, finding in findings.items()} == {"video.mp4": INTACT, "frames": INTACT}
    for finding in findings.values():
        claimed = finding.credentials.claimed
        assert claimed["inputs"]["portrait"]["sha256"] == sha256_of(astronaut_path) and claimed["seed"] == 3
        assert claimed["rights"]["basis"] == "public-domain" and "stated_by" not in claimed["rights"]
        assert claimed["mark"]["number"] == finding.mark, "the mark in the picture is the one the credentials name"
        assert finding.credentials.signer == "local" and finding.credentials.source_types == (
            "compositeWithTrainedAlgorithmicMedia",
        )
        assert "Eileen Collins" in finding.text() and "this machine's own key" in finding.text()
    assert len(findings["frames"].credentials.frames) == FRAMES


def test_any_c2pa_reader_sees_the_source_type_and_the_inputs(made):
    """Read with the library alone, as another program would."""
    import c2pa
    with c2pa.Reader(str(made / "video.mp4")) as reader:
        manifest, state = reader.get_active_manifest(), reader.get_validation_state()
    actions = next(entry["data"]["actions"] for entry in manifest["assertions"] if entry["label"].startswith("c2pa.actions"))
    assert state == "Valid" and actions[0]["action"] == "c2pa.created" and actions[0]["digitalSourceType"] == SOURCE_TYPE
    assert {item["title"]: item["relationship"] for item in manifest["ingredients"]} == {
        "portrait": "inputTo",
        "voice": "inputTo",
    }
    assert "thumbnail" not in manifest, "no picture of the person inside the manifest"


def flip_a_byte(folder: Path) -> Path:
    data = bytearray((folder / "video.mp4").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "video.mp4").write_bytes(data)
    return folder / "video.mp4"


def with_box_of(original: Path, other: Path) -> Path:
    """`other` with the box that holds the credentials of `original`, as a forger would paste it."""
    data = original.read_bytes()
    start = data.index(b"uuid\xd8\xfe\xc3\xd6") - 4  # ISO 14496-12 box with C2PA's UUID
    box = data[start:start + int.from_bytes(data[start:start + 4], "big")]
    forged = other.read_bytes()
    first = int.from_bytes(forged[:4], "big")
    other.write_bytes(forged[:first] + box + forged[first:])
    return other


def other_sound(folder: Path) -> Path:
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "sine=880:duration=2",
        "-i",
        folder / "video.mp4",
        "-map",
        "1:v",
        "-map",
        "0:a",
        "-c:v",
        "copy",
        "-shortest",
        folder / "swapped.mp4",
    )
    return with_box_of(folder / "video.mp4", folder / "swapped.mp4")


def no_sound(folder: Path) -> Path:
    ffmpeg("-i", folder / "video.mp4", "-an", "-c", "copy", folder / "mute.mp4")
    return with_box_of(folder / "video.mp4", folder / "mute.mp4")


def cut_short(folder: Path) -> Path:
    ffmpeg("-i", folder / "video.mp4", "-t", "0.6", "-c", "copy", folder / "short.mp4")
    return folder / "short.mp4"


def cut_short_with_credentials(folder: Path) -> Path:
    return with_box_of(folder / "video.mp4", cut_short(folder))


def credentials_of_another_video(folder: Path) -> Path:
    """Somebody else's film under our honest credentials."""
    ffmpeg("-f", "lavfi", "-i", "testsrc=duration=1.2:size=512x512:rate=25", folder / "film.mp4")
    return with_box_of(folder / "video.mp4", folder / "film.mp4")


def rename_the_video(folder: Path) -> Path:
    return (folder / "video.mp4").rename(folder / "Final FINAL v2.mp4")


def rename_frames_and_credentials(folder: Path) -> Path:
    (folder / "frames.c2pa").rename(folder / "shot 12.c2pa")
    return (folder / "frames").rename(folder / "shot 12")


def rename_the_frames_alone(folder: Path) -> Path:
    return (folder / "frames").rename(folder / "shot 12")


def swap_two_frames(folder: Path) -> Path:
    one, other, spare = (folder / "frames" / name for name in ("000011.png", "000021.png", "spare"))
    one.rename(spare)
    other.rename(one)
    spare.rename(other)
    return folder / "frames"


def cut_off_the_beginning(folder: Path) -> Path:
    for number in range(1, 6):
        (folder / "frames" / f"{number:06d}.png").unlink()
    return folder / "frames"


def edit_in_an_editor(folder: Path) -> Path:
    ffmpeg(
        "-i",
        folder / "video.mp4",
        "-vf",
        "crop=iw*0.85:ih*0.9:20:10,eq=brightness=0.05:contrast=1.1",
        "-c:v",
        "libx264",
        "-crf",
        "23",
        folder / "edit.mp4",
    )
    return folder / "edit.mp4"


def save_a_frame_as_jpeg(folder: Path) -> Path:
    cv2.imwrite(str(folder / "still.jpg"), cv2.imread(str(folder / "frames" / "000007.png")), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return folder / "still.jpg"


def edit_one_frame(folder: Path) -> Path:
    frame = cv2.imread(str(folder / "frames" / "000017.png"))
    frame[200, 200] ^= 1
    cv2.imwrite(str(folder / "frames" / "000017.png"), frame)
    return folder / "frames"


def edit_first_frame(folder: Path) -> Path:
    shutil.copy(folder / "frames" / "000030.png", folder / "frames" / "000001.png")
    return folder / "frames"


def drop_a_frame(folder: Path) -> Path:
    (folder / "frames" / "000009.png").unlink()
    return folder / "frames"


def add_a_frame(folder: Path) -> Path:
    shutil.copy(folder / "frames" / "000030.png", folder / "frames" / "000031.png")
    return folder / "frames"


def edit_the_hashes(folder: Path) -> Path:
    """Change a frame, and its hash in the sidecar too."""
    before = sha256_of(folder / "frames" / "000017.png")
    edit_one_frame(folder)
    sidecar = folder / "frames.c2pa"
    changed = sidecar.read_bytes().replace(before.encode(), sha256_of(folder / "frames" / "000017.png").encode())
    assert changed != sidecar.read_bytes()
    sidecar.write_bytes(changed)
    return folder / "frames"


def edit_the_consent(folder: Path) -> Path:
    data = (folder / "video.mp4").read_bytes()
    assert b"public-domain" in data
    (folder / "video.mp4").write_bytes(data.replace(b"public-domain", b"consent------"))
    return folder / "video.mp4"


def break_the_manifest(folder: Path) -> Path:
    data = (folder / "video.mp4").read_bytes()
    (folder / "video.mp4").write_bytes(data.replace(b"jumb", b"jumq", 1))
    return folder / "video.mp4"


def take_credentials_of_another(folder: Path) -> Path:
    """Honest credentials of other frames, put beside these."""
    seal = Seal(Policy(), Rights("self").stated(), clip=MotionClip.neutral(2), inputs={"portrait": "00" * 32}, sources={})
    seal.sign_frames(
        folder / "frames", folder / "frames", {path.name: sha256_of(path) for path in sorted((folder / "frames").iterdir())}
    )
    return folder / "frames"


def strip_metadata(folder: Path) -> Path:
    ffmpeg("-i", folder / "video.mp4", "-map_metadata", "-1", "-c", "copy", folder / "stripped.mp4")
    return folder / "stripped.mp4"


def encode_again(folder: Path) -> Path:
    ffmpeg("-i", folder / "video.mp4", "-c:v", "libx264", "-crf", "28", folder / "again.mp4")
    return folder / "again.mp4"


def lose_the_sidecar(folder: Path) -> Path:
    (folder / "frames.c2pa").unlink()
    return folder / "frames"


TAMPERINGS = {
    "one byte of the video changed": (flip_a_byte, ALTERED),
    "sound of the video replaced, credentials carried over": (other_sound, ALTERED),
    "sound of the video taken out, credentials carried over": (no_sound, ALTERED),
    "video cut short, credentials carried over": (cut_short_with_credentials, ALTERED),
    "credentials of the video pasted onto another film": (credentials_of_another_video, ALTERED),
    "consent in the video's credentials rewritten": (edit_the_consent, ALTERED),
    "credentials of the video damaged": (break_the_manifest, ALTERED),
    "one pixel of one frame changed": (edit_one_frame, ALTERED),
    "first frame replaced by another": (edit_first_frame, ALTERED),
    "a frame taken out": (drop_a_frame, ALTERED),
    "a frame added": (add_a_frame, ALTERED),
    "two frames exchanged": (swap_two_frames, ALTERED),
    "the first frames cut off": (cut_off_the_beginning, ALTERED),
    "a frame changed, and its hash in the sidecar too": (edit_the_hashes, ALTERED),
    "honest credentials of another clip put beside the frames": (take_credentials_of_another, ALTERED),
    "metadata stripped": (strip_metadata, NO_CREDENTIALS),
    "encoded again (H.264 CRF 28)": (encode_again, NO_CREDENTIALS),
    "video cut short": (cut_short, NO_CREDENTIALS),
    "cropped, graded and encoded again in an editor": (edit_in_an_editor, NO_CREDENTIALS),
    "one frame saved as JPEG": (save_a_frame_as_jpeg, NO_CREDENTIALS),
    "sidecar of the frames lost": (lose_the_sidecar, NO_CREDENTIALS),
    "frame folder renamed, its credentials not": (rename_the_frames_alone, NO_CREDENTIALS),
    "video renamed": (rename_the_video, INTACT),
    "frame folder and its credentials renamed": (rename_frames_and_credentials, INTACT),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_seen(copy, made, name):
    tamper, expected = TAMPERINGS[name]
    (finding,) = verify(tamper(copy))
    assert finding.status == expected, finding.text()
    assert bool(finding.problems) == (expected == ALTERED)
    if expected == NO_CREDENTIALS:
        assert finding.mark == verify(made / "video.mp4")[0].mark and "made with Soliloquy" in finding.text()


def test_the_table_of_tamperings_is_the_one_in_the_documentation():
    told = (Path(__file__).resolve().parents[2] / "docs" / "trust.md").read_text(encoding="utf-8")
    words = {
        ALTERED: "altered or forged",
        NO_CREDENTIALS: "no credentials; the mark tells where it is from",
        INTACT: "intact",
    }
    assert [f"| {name} | {words[expected]} |" for name, (_, expected) in TAMPERINGS.items() if
            f"| {name} | {words[expected]} |" not in told] == []


def test_other_files(tmp_path, astronaut_path):
    assert status(astronaut_path) == NO_CREDENTIALS and verify(astronaut_path)[0].mark is None
    (tmp_path / "noise.mp4").write_bytes(b"no video" * 100)
    (tmp_path / "noise.png").write_bytes(b"no picture")
    for path in (tmp_path / "noise.mp4", tmp_path / "noise.png", tmp_path / "gone.mp4"):
        assert status(path) == UNREADABLE
    (tmp_path / "empty").mkdir()
    assert status(tmp_path / "empty") == UNREADABLE


def test_command_line(made, copy, astronaut_path, tmp_path):
    def run(path: Path):
        result = CliRunner().invoke(app, ["verify", str(path), "--json"])
        return result.exit_code, json.loads(result.stdout.splitlines()[-1])
    code, told = run(made)
    assert code == 0 and told["verdict"] == "intact" and len(told["findings"]) == 2
    edit_one_frame(copy)
    assert run(copy)[0] == 1
    assert run(astronaut_path)[0] == 2 and run(tmp_path / "gone")[0] == 3
