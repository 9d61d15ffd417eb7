"""What a person can choose for a character: plain names, so that the panel needs nothing heavier."""

from __future__ import annotations

KEY, BONE = "KEY", "BONE"
"""What a row of a mapping moves."""

ROTATIONS, SHIFTS = ("yaw", "pitch", "roll"), ("x", "y", "z")
MOTIONS = (*ROTATIONS, *SHIFTS)
AUTO = "AUTO"
AXES = (AUTO, "X", "Y", "Z", "-X", "-Y", "-Z")

FRONTS = {"-Y": (0, -1, 0), "Y": (0, 1, 0), "X": (1, 0, 0), "-X": (-1, 0, 0)}
"""Directions a character may look in, in world space."""

OVER, REPLACE, STRIP = "OVER", "REPLACE", "STRIP"
"""What becomes of an action that is there: it plays on below the new one (as an NLA strip); it stays in the file without
playing; it stays active, and the performance becomes an NLA strip."""
