"""Live frames as OSC packets: what another program reads from them is what the frame says."""

from __future__ import annotations

import dataclasses
import socket
import struct
import sys
from fractions import Fraction

import numpy as np
import pytest

from soliloquy.engine.audio.decode import SAMPLE_RATE_HZ
from soliloquy.engine.errors import InputError
from soliloquy.engine.live.osc import message, packets, quaternion
from soliloquy.engine.live.performance import LivePerformance
from soliloquy.engine.live.sinks import open_sink
from soliloquy.engine.measure.signals import rotations_from_angles
from soliloquy.engine.motion.clip import ARKIT_CHANNELS, CHANNEL_INDEX
from soliloquy.engine.motion.direction import Direction


@pytest.fixture
def frame():
    """A frame of a live performance in which every channel has a value of its own."""
    performance = LivePerformance(Direction(), seed=1, fps=Fraction(30))
    alive = list(performance.push(np.zeros(SAMPLE_RATE_HZ, np.float32)))[-1]
    return dataclasses.replace(alive, channels=np.random.default_rng(0).uniform(0, 1, len(ARKIT_CHANNELS)).astype(np.float32))


def test_osc_packets_say_what_the_frame_says(frame):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(2.0)
        sink = open_sink("osc", f"127.0.0.1:{listener.getsockname()[1]}", stdout=sys.stdout, fps=Fraction(30), seed=0)
        sink.send(frame)
        sink.close()
        got = [item for _ in packets(frame) for item in opened_bundle(listener.recv(4096))]
    values = {arguments[0]: arguments[1] for address, arguments in got if address == "/VMC/Ext/Blend/Val"}
    assert len(values) == 52 and values["JawOpen"] == pytest.approx(frame.channels[CHANNEL_INDEX["jawOpen"]], abs=1e-6)
    assert got[-1] == ("/VMC/Ext/Blend/Apply", []) and all(len(packet) <= 1400 for packet in packets(frame))
    (head,) = [arguments for address, arguments in got if address.endswith("Bone/Pos") and arguments[0] == "Head"]
    assert head[1] == pytest.approx(-frame.head_translation_m[0], abs=1e-6)
    with pytest.raises(InputError):
        open_sink("osc", "nowhere", stdout=sys.stdout, fps=Fraction(30), seed=0)


def opened_bundle(packet: bytes) -> list[tuple[str, list]]:
    """A reader of OSC 1.0 of its own."""
    assert packet[:16] == b"#bundle\0" + struct.pack(">Q", 1)
    found, at = [], 16
    while at < len(packet):
        (size,) = struct.unpack_from(">i", packet, at)
        data, at = packet[at + 4 : at + 4 + size], at + 4 + size
        assert size % 4 == 0
        address, rest = text_of(data)
        tags, rest = text_of(rest)
        arguments = []
        for tag in tags[1:]:
            if tag == "s":
                text, rest = text_of(rest)
                arguments.append(text)
            else:
                arguments.append(struct.unpack(">f", rest[:4])[0])
                rest = rest[4:]
        found.append((address, arguments))
    return found


def text_of(data: bytes) -> tuple[str, bytes]:
    end = data.index(b"\0")
    return data[:end].decode(), data[end + 4 - end % 4 :]


def test_a_message_is_what_the_standard_shows():
    assert message("/oscillator/4/frequency", 440.0) == b"/oscillator/4/frequency\0,f\0\0\x43\xdc\0\0"


def test_a_quaternion_turns_as_the_angles_do():
    angles = np.array([20.0, -10.0, 5.0])
    x, y, z, w = quaternion(angles)
    turn = np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                     [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                     [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]])
    assert np.allclose(turn, rotations_from_angles(angles[None])[0])
