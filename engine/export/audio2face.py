"""The blendshape JSON of NVIDIA's Audio2Face, which plug-ins for Unreal, Unity, Maya and iClone read.

One row of weights per frame (`weightMat`), their names (`facsNames`, ARKit's own), counts and the rate. No head, no gaze angles.
"""

from __future__ import annotations

import json
import os

from ..files import whole_file
from ..motion.clip import ARKIT_CHANNELS, MotionClip


def write_audio2face(clip: MotionClip, path: str | os.PathLike) -> None:
    """Write the JSON, whole or not at all. Raises OutputError."""
    record = {"exportFps": float(clip.fps), "trackPath": "", "numPoses": len(ARKIT_CHANNELS), "numFrames": len(clip),
              "facsNames": list(ARKIT_CHANNELS), "weightMat": [[round(float(value), 5) for value in row] for row in clip.channels]}
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(record), encoding="utf-8")
