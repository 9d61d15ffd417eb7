"""Open Sound Control, as much of it as a performance needs: messages of floats and strings in bundles (OSC 1.0, CNMAT 2002).

Addresses are those of the VMC protocol (protocol.vmc.info), which avatar programs listen to:

    /VMC/Ext/Blend/Val   s name, f value     ARKit's 52 under their Perfect Sync names (JawOpen, ...)
    /VMC/Ext/Blend/Apply                     ends the list
    /VMC/Ext/Bone/Pos    s "Head", f x y z, f qx qy qz qw     Unity's frame: x to the subject's right, y up, z forward, left-handed
    /VMC/Ext/Bone/Pos    s "LeftEye" | "RightEye", the same
    /VMC/Ext/T           f time_s
"""

from __future__ import annotations

import struct

import numpy as np

from ..motion.clip import ARKIT_CHANNELS
from .performance import Frame

LARGEST_PACKET_BYTES = 1400
"""What fits into one Ethernet frame; a frame of motion goes out in a few packets."""

_BUNDLE_NOW = b"#bundle\0" + struct.pack(">Q", 1)


def message(address: str, *arguments: str | float) -> bytes:
    """One OSC message; strings become `s`, numbers `f`."""
    tags = "," + "".join("s" if isinstance(argument, str) else "f" for argument in arguments)
    body = b"".join(_text(a) if isinstance(a, str) else struct.pack(">f", a) for a in arguments)
    return _text(address) + _text(tags) + body


def _text(text: str) -> bytes:
    data = text.encode("ascii") + b"\0"
    return data + b"\0" * (-len(data) % 4)


def packets(frame: Frame) -> list[bytes]:
    """The bundles of one frame, each of at most LARGEST_PACKET_BYTES."""
    messages = [message("/VMC/Ext/T", frame.time_s), message("/VMC/Ext/OK", 1.0)]
    messages.append(_bone("Head", frame.head_rotation_deg, frame.head_translation_m))
    for side, gaze_deg in zip(("Left", "Right"), frame.gaze_deg):
        messages.append(_bone(f"{side}Eye", np.append(gaze_deg, 0.0), np.zeros(3)))
    messages += [message("/VMC/Ext/Blend/Val", name[0].upper() + name[1:], float(value))
                 for name, value in zip(ARKIT_CHANNELS, frame.channels)]
    return _bundled([*messages, message("/VMC/Ext/Blend/Apply")])


def _bone(name: str, angles_deg: np.ndarray, position_m: np.ndarray) -> bytes:
    """Our frame has x to the picture's right, that is the subject's left; the mirror flips x, and two parts of the turn."""
    x, y, z, w = quaternion(angles_deg)
    return message("/VMC/Ext/Bone/Pos", name, -float(position_m[0]), float(position_m[1]), float(position_m[2]), x, -y, -z, w)


def quaternion(angles_deg: np.ndarray) -> tuple[float, float, float, float]:
    """(3,) yaw, pitch, roll of `MotionClip` (Ry(yaw) Rx(-pitch) Rz(roll)) as x, y, z, w."""
    yaw, pitch, roll = np.radians(np.asarray(angles_deg, float)) / 2.0
    turn = _product((0.0, np.sin(yaw), 0.0, np.cos(yaw)), (-np.sin(pitch), 0.0, 0.0, np.cos(pitch)))
    return tuple(map(float, _product(turn, (0.0, 0.0, np.sin(roll), np.cos(roll)))))


def _product(a: tuple, b: tuple) -> tuple:
    (ax, ay, az, aw), (bx, by, bz, bw) = a, b
    return (aw * bx + ax * bw + ay * bz - az * by, aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw, aw * bw - ax * bx - ay * by - az * bz)


def _bundled(messages: list[bytes]) -> list[bytes]:
    bundles, bundle = [], _BUNDLE_NOW
    for data in messages:
        item = struct.pack(">i", len(data)) + data
        if len(bundle) + len(item) > LARGEST_PACKET_BYTES:
            bundles.append(bundle)
            bundle = _BUNDLE_NOW
        bundle += item
    return [*bundles, bundle]
