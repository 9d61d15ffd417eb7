"""A performance's folder, read again: what `animate` left there, so that a part of it can be made anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from .errors import FormatError
from .files import whole_file
from .motion.clip import MotionClip

LARGEST_REPORT_BYTES = 16 << 20

SHOWN, GENERATED = "motion.json", "generated.json"
"""The clip that the frames on disk show; and the one that was generated at first, once the frames show another."""

TAKES = "takes"
"""Folder of what was regenerated: NNN.json, and NNN-generated.json with what the generator said where a hand had changed it."""

GENERATED_FILE = "generated_file"
"""In the provenance of the shown clip: the file in the folder that it was edited from, when it is not GENERATED."""


@dataclass(frozen=True)
class PerformanceFolder:
    """`path` and its report, with the fields that are used checked."""

    path: Path
    report: dict

    @classmethod
    def read(cls, path: Path) -> PerformanceFolder:
        """Raises FormatError with what is missing."""
        file = path / "report.json"
        try:
            if file.stat().st_size > LARGEST_REPORT_BYTES:
                raise ValueError("it is too large")
            report = json.loads(file.read_text(encoding="utf-8"))
            width, height = report["size"]
            checked = (int(width) > 0 and int(height) > 0 and isinstance(report["settings"]["alpha"], bool)
                       and isinstance(report["audio"], str) and isinstance(report["inputs"], dict)
                       and all(isinstance(name, str) for name in report["outputs"]))
            if report["format"] != "soliloquy-report" or not checked:
                raise ValueError("it is no report of ours")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FormatError(f"{file} is not a readable report ({error}). Choose a folder that was written by animate.") from error
        return cls(path, report)

    def shown(self) -> MotionClip:
        """The clip of the frames on disk. Raises FormatError."""
        return MotionClip.load(self.path / SHOWN)

    def generated(self) -> MotionClip:
        """What the generator said, before anything of it was changed by hand. Raises FormatError."""
        shown = self.shown()
        files = (self.inside(shown.provenance.get(GENERATED_FILE)), self.path / GENERATED)
        found = next((file for file in files if file is not None and file.is_file()), None)
        return MotionClip.load(found) if found else shown

    def inside(self, name: object) -> Path | None:
        """The path in this folder that a file calls `name`; None when it calls none, or one that leads out of it."""
        if not isinstance(name, str) or not name:
            return None
        path = (self.path / name).resolve()
        return path if path.is_relative_to(self.path.resolve()) else None

    def next_take(self) -> Path:
        """A file for a new take, in TAKES, that is not there yet."""
        taken = {file.name for file in (self.path / TAKES).iterdir()} if (self.path / TAKES).is_dir() else set()
        return next(self.path / TAKES / f"{number:03d}.json" for number in range(1, 10**6) if f"{number:03d}.json" not in taken)

    @property
    def portrait(self) -> Path:
        return self.path / "portrait.portrait"

    @property
    def speech(self) -> Path:
        return self.path / "speech.json"

    @property
    def frames(self) -> Path | None:
        """The folder of PNG frames; None when there is none."""
        return self.path / "frames" if (self.path / "frames").is_dir() else None

    @property
    def videos(self) -> list[Path]:
        """The videos that are there."""
        found = [self.path / Path(name).name for name in self.report["outputs"] if name.startswith("video.")]
        return [video for video in found if video.is_file()]

    @property
    def voice(self) -> Path | None:
        """The sound; None when it is gone."""
        voice = self.path / Path(self.report["audio"]).name
        return voice if voice.is_file() else None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the frames."""
        width, height = self.report["size"]
        return int(width), int(height)

    @property
    def mark_number(self) -> int | None:
        """The number that the first rendering marked its frames with; None when it marked none."""
        number = self.report.get("seal", {}).get("mark", {}).get("number")
        return int(number, 16) if isinstance(number, str) else None

    def input_hashes(self) -> dict[str, str]:
        """Role -> hex SHA-256 of what the first rendering was made from, for `Seal`."""
        roles = {"portrait": "portrait", "voice": "audio"}
        return {role: str(self.report["inputs"][name]["sha256"]) for role, name in roles.items() if name in self.report["inputs"]}

    def with_entry(self, name: str, entry: dict, **values: object) -> dict:
        """Append `entry` to the report's list `name`, set `values`, and write it. Returns the report. Raises OutputError."""
        report = self.report | values | {name: [*self.report.get(name, []), entry]}
        with whole_file(self.path / "report.json") as temporary:
            temporary.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
        return report
