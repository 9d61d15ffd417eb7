"""Names of a rig's bones."""

from __future__ import annotations

ROOT, NECK, HEAD, GAZE = "root", "neck", "head", "gaze"
THROAT, SHOULDERS = "throat", "shoulders"
"""What goes along with the head's shifts, without its turns: on the neck, and below it."""
EYE_BONES = {"iris_left": "eye.L", "iris_right": "eye.R"}
"""Part -> bone that turns it; in the order of `eye_centres` and of the clip's gaze."""
