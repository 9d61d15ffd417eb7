"""`capture`: a person's video becomes a `MotionClip`."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import numpy as np

from ...common.channels import TOGETHER
from .. import __version__
from ..files import sha256_of
from ..motion.clip import EYE_LOOK_COLUMNS, MotionClip, eye_look_from_gaze
from ..motion.together import together_of_mouth
from ..progress import Progress, silent
from .read import UNUSABLE, expression, gaze_motion, head_motion, rest_picture
from .skin import skin_rotations
from .smooth import gaps
from .track import track_faces
from .video import open_video

GENERATOR = "soliloquy capture (MediaPipe FaceLandmarker), version 2"


def capture(path: str | os.PathLike, *, progress: Progress = silent) -> MotionClip:
    """The performance in a video of one face, at the video's own rate, relative to the person's rest.

    Stretches in which no face was seen are bridged and listed in the clip's provenance ("gaps", seconds).
    Raises ImageError when the video cannot be read, NoFaceError when there is hardly a face in it, ModelError, Cancelled.
    """
    path = Path(path)
    video = open_video(path)
    track = track_faces(video.frames, video.fps, video.expected, progress)
    fps = float(video.fps)
    number = rest_picture(track)
    still = next(islice(open_video(path).frames, number, None))
    skin_turns = skin_rotations(open_video(path).frames, track, still, number, progress)
    rotation, translation, rest_deg = head_motion(track, skin_turns, fps)
    channels, rest = expression(track, fps)
    gaze = gaze_motion(track, fps).astype(np.float32)
    clip = MotionClip(video.fps, channels.astype(np.float32), rotation.astype(np.float32), translation.astype(np.float32), gaze)
    clip.channels[:, EYE_LOOK_COLUMNS] = eye_look_from_gaze(gaze)
    clip.own[:, TOGETHER] = together_of_mouth(clip.channels, fps)
    clip.provenance = {
        "generator": GENERATOR,
        "soliloquy": __version__,
        "video": {"name": path.name, "sha256": sha256_of(path)},
        "seen_share": round(float(track.seen.mean()), 4),
        "gaps": [[round(start / fps, 3), round(stop / fps, 3)] for start, stop in gaps(track.seen)],
        "rest_pose_deg": [round(float(angle), 2) for angle in rest_deg],
        "rest_scores": rest,
        "not_captured": list(UNUSABLE),
    }
    clip.check(str(path))
    return clip
