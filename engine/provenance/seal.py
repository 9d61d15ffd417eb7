"""What the outputs of one job get on their way out: label and mark in every frame, metadata and credentials in every file,
as the policy says."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError, OutputError
from ..files import whole_file
from ..motion.clip import MotionClip
from ..render.write import FrameSink, PngSink, VideoSink
from .aigc import KEY, aigc_value, png_chunk, with_chunk
from .consent import Rights
from .credentials import SIDECAR_SUFFIX, Origin, sign_file, sign_frames
from .keys import SigningKey, signing_key
from .label import label_of
from .mark import Marker
from .policy import Policy


class Seal:
    """Labels, marks and signs. Made before the work, so that a key that cannot be used stops a job at its start."""

    def __init__(
        self,
        policy: Policy,
        rights: Rights,
        *,
        inputs: Mapping[str, str],
        sources: Mapping[str, Path],
        clip: MotionClip,
        seed: int | None = None,
        number: int | None = None,
    ) -> None:
        """inputs, sources: see `Origin`. number: of the mark, when frames of a take that has one already are made anew.

        Raises InputError or OutputError when there is no key, or it cannot sign.
        """
        self._policy = policy
        self._number = mark_number(inputs.get("portrait", ""), clip) if number is None else number
        self._signing_s = 0.0
        self._marker = Marker(self._number) if policy.mark else None
        self._key: SigningKey | None = signing_key(policy) if policy.credentials else None
        self._label = label_of(policy.label, clip.fps)
        self._aigc = aigc_value(policy.producer, f"{self._number:08x}") if policy.aigc else ""
        mark = {"number": f"{self._number:08x}"} if policy.mark else {"off": policy.mark_reason}
        self.origin = Origin(rights=rights.summary(), inputs=inputs, sources=sources, mark=mark, seed=seed,
                             aigc={} if policy.aigc else {"off": policy.aigc_reason})
        if self._key and (self._key.time_authority or not self._key.is_local):
            try_key(self._key, policy)

    def mark(self, frame: np.ndarray) -> np.ndarray:
        """The next frame with the label and the mark that the policy wants in it."""
        if self._label and not self._policy.label.layer:
            frame = self._label.apply(frame)
        return self._marker.apply(frame) if self._marker else frame

    def png_sink(self, folder: Path, *, signed: bool = True) -> PngSink:
        """Where this job's frames go as PNG files; signed: with FOLDER.c2pa about them. Raises OutputError."""
        return PngSink(folder, seal=self.sign_frames if signed else None, finish=self._finish_png)

    def video_sink(self, path: Path, *, size: tuple[int, int], fps: Fraction, frames: int,
                   audio: Path | None) -> contextlib.AbstractContextManager[FrameSink]:
        """Where this job's `frames` frames go as a signed video, with slate and end card around them where those are wanted.

        A .mov is for compositing and gets no cards. Raises OutputError.
        """
        opening, closing = self._cards(size) if path.suffix == ".mp4" else ([], [])
        sink = VideoSink(
            path,
            size=size,
            fps=fps,
            frames=len(opening) + frames + len(closing),
            audio=audio,
            silent_frames=len(opening),
            metadata={KEY: self._aigc} if self._aigc else {},
            seal=partial(self.sign_file, title=path.name),
        )
        return with_cards(sink, opening, closing)

    def _finish_png(self, png: bytes) -> bytes:
        return with_chunk(png, png_chunk(self._aigc)) if self._aigc else png

    def _cards(self, size: tuple[int, int]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Frames to be shown before and after the clip, marked like the others; mostly none."""
        if not self._label or self._policy.label.layer:
            return [], []
        marker = Marker(self._number) if self._policy.mark else None
        opening, closing = ([marker.apply(cards[0])] * len(cards) if cards and marker else cards
                            for cards in self._label.cards_around(size))
        return opening, closing

    def write_layers(self, folder: Path, size: tuple[int, int]) -> list[str]:
        """Write the label as pictures of its own, for those who composite: NAME.png for each of its shapes. Raises
        OutputError."""
        if not self._label or not self._policy.label.layer:
            return []
        names = []
        for shape, picture in self._label.layers(size).items():
            names.append(f"label-{shape}.png")
            order = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
            with whole_file(folder / names[-1]) as temporary:
                temporary.write_bytes(cv2.imencode(".png", cv2.cvtColor(picture, order))[1].tobytes())
        return names

    def sign_file(self, path: Path, title: str) -> None:
        """Put credentials into a finished video or image that is still under its temporary name. Raises OutputError."""
        if self._key:
            with self._timed():
                sign_file(path, title, self.origin, self._key)

    def sign_frames(self, folder: Path, final: Path, hashes: Mapping[str, str]) -> None:
        """Write FINAL.c2pa for the frames in `folder`, which is about to be called `final`. Raises OutputError."""
        sidecar = final.with_name(final.name + SIDECAR_SUFFIX)
        if self._key and hashes:
            with self._timed():
                sign_frames(folder, sidecar, hashes, self.origin, self._key)
        else:
            sidecar.unlink(missing_ok=True)  # of an earlier run, about other frames

    def record(self) -> dict:
        """For report.json: what the outputs carry."""
        if self._key:
            credentials = {
                "signed_with": "local key" if self._key.is_local else "studio certificate",
                "signing_s": round(self._signing_s, 3),
            }
        else:
            credentials = {"off": self._policy.credentials_reason}
        wanted = self._policy.label
        label = (
            {"label": {"text": self._label.text, "shapes": list(wanted.shapes), "layer": wanted.layer}}
            if self._label
            else {}
        )
        return {
            "mark": dict(self.origin.mark),
            "credentials": credentials,
            "aigc": self._aigc or {"off": self._policy.aigc_reason},
        } | label

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._signing_s += time.perf_counter() - started


@contextlib.contextmanager
def with_cards(sink: FrameSink, opening: list[np.ndarray], closing: list[np.ndarray]) -> Iterator[FrameSink]:
    """`sink`, entered, with `opening` written before the block's frames and `closing` after them."""
    with sink:
        for frame in opening:
            sink.write(frame)
        yield sink
        for frame in closing:
            sink.write(frame)


def try_key(key: SigningKey, policy: Policy) -> None:
    """Sign a speck, so that a certificate or a time stamp service that cannot be used is found before the rendering, not
    after it.

    Raises InputError.
    """
    with tempfile.TemporaryDirectory() as folder:
        speck = Path(folder) / "speck.png"
        speck.write_bytes(cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes())
        try:
            sign_file(speck, "speck", Origin({}, {}, {}), key)
        except OutputError as error:
            raise InputError(
                f"{policy.name}: the signing certificate or key, or the time stamp service, cannot be used. {error}"
            ) from error


def mark_number(portrait_sha256: str, clip: MotionClip) -> int:
    """The number of a take: the same picture and performance always give the same one, so that frames can be compared byte
    by byte."""
    digest = hashlib.sha256(portrait_sha256.encode())
    moved = (clip.own,) if clip.own.any() else ()  # a performance without one keeps the number it always had
    for values in (clip.channels, clip.head_rotation_deg, clip.head_translation_m, clip.gaze_deg, *moved):
        digest.update(np.round(np.asarray(values, np.float64), 4).astype("<f4").tobytes())
    return int.from_bytes(digest.digest()[:4], "big")
