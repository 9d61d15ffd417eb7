"""What the outputs of one job get on their way out: the mark in every frame, credentials in every file, as the policy says."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError, OutputError
from ..motion.clip import MotionClip
from .consent import Rights
from .credentials import SIDECAR_SUFFIX, Origin, sign_file, sign_frames
from .keys import SigningKey, signing_key
from .label import label_of
from .mark import Marker
from .policy import Policy


class Seal:
    """Marks and signs. Made before the work, so that a key that cannot be used stops a job at its start."""

    def __init__(self, policy: Policy, rights: Rights, *, inputs: Mapping[str, str], sources: Mapping[str, Path], clip: MotionClip,
                 seed: int | None = None, number: int | None = None) -> None:
        """inputs, sources: see `Origin`. number: of the mark, when frames of a take that has one already are made anew.

        Raises InputError or OutputError when there is no key, or it cannot sign.
        """
        self._policy = policy
        self._number = mark_number(inputs.get("portrait", ""), clip) if number is None else number
        self._marker = Marker(self._number) if policy.mark else None
        self._key: SigningKey | None = signing_key(policy) if policy.credentials else None
        self._label = label_of(policy, clip.fps)
        mark = {"number": f"{self._number:08x}"} if policy.mark else {"off": policy.mark_reason}
        self.origin = Origin(rights=rights.summary(), inputs=inputs, sources=sources, mark=mark, seed=seed)
        if self._key and not self._key.is_local:
            self._try_key(policy)

    def _try_key(self, policy: Policy) -> None:
        """Sign a speck, so that a certificate that C2PA does not accept is found before the rendering, not after it."""
        with tempfile.TemporaryDirectory() as folder:
            speck = Path(folder) / "speck.png"
            speck.write_bytes(cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes())
            try:
                sign_file(speck, "speck", Origin({}, {}, {}), self._key)
            except OutputError as error:
                raise InputError(f"{policy.name}: the signing certificate or key cannot be used. {error}") from error

    def mark(self, frame: np.ndarray) -> np.ndarray:
        """The next frame with the label and the mark that the policy wants."""
        if self._label:
            frame = self._label.apply(frame)
        return self._marker.apply(frame) if self._marker else frame

    def sign_file(self, path: Path, title: str) -> None:
        """Put credentials into a finished video or image that is still under its temporary name. Raises OutputError."""
        if self._key:
            sign_file(path, title, self.origin, self._key)

    def sign_frames(self, folder: Path, final: Path, hashes: Mapping[str, str]) -> None:
        """Write FINAL.c2pa for the frames in `folder`, which is about to be called `final`. Raises OutputError."""
        sidecar = final.with_name(final.name + SIDECAR_SUFFIX)
        if self._key and hashes:
            sign_frames(folder, sidecar, hashes, self.origin, self._key)
        else:
            sidecar.unlink(missing_ok=True)  # of an earlier run, about other frames

    def record(self) -> dict:
        """For report.json: what the outputs carry."""
        if self._key:
            credentials = {"signed_with": "local key" if self._key.is_local else "studio certificate"}
        else:
            credentials = {"off": self._policy.credentials_reason}
        label = {"label": self._label.text} if self._label else {}
        return {"mark": dict(self.origin.mark), "credentials": credentials} | label


def mark_number(portrait_sha256: str, clip: MotionClip) -> int:
    """The number of a take: the same picture and performance always give the same one, so that frames can be compared byte by byte."""
    digest = hashlib.sha256(portrait_sha256.encode())
    for values in (clip.channels, clip.head_rotation_deg, clip.head_translation_m, clip.gaze_deg):
        digest.update(np.round(np.asarray(values, np.float64), 4).astype("<f4").tobytes())
    return int.from_bytes(digest.digest()[:4], "big")
