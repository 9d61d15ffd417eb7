"""Capture: a person's video becomes a `MotionClip`, so that a performance can be acted instead of directed.

Only what is seen is read: MediaPipe's landmarks and expression scores frame by frame (track.py), put against the person's own
rest (read.py), smoothed forwards and backwards so that nothing comes late, with gaps bridged and told (smooth.py).
"""
