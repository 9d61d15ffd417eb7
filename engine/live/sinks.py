"""Where live motion goes: JSON lines into a stream or a file, or OSC packets to an address. Nothing here listens."""

from __future__ import annotations

import json
import socket
from fractions import Fraction
from pathlib import Path
from typing import TextIO

from ...common.channels import TOGETHER
from ..errors import InputError, OutputError
from ..motion.clip import ARKIT_CHANNELS
from .osc import packets
from .performance import Frame

FORMAT_VERSION = 1
DEFAULT_OSC = "127.0.0.1:39539"
"""This computer, at the port VMC performers send to."""


def header(fps: Fraction, seed: int) -> str:
    """The first line of a stream."""
    return json.dumps({"format": "soliloquy-live", "format_version": FORMAT_VERSION, "fps": f"{fps.numerator}/{fps.denominator}",
                       "seed": seed, "channels": list(ARKIT_CHANNELS)})


def line(frame: Frame) -> str:
    """One frame as a line of JSON; see the package's docstring."""
    return json.dumps({
        "frame": frame.number,
        "time_s": round(frame.time_s, 6),
        "channels": {name: round(float(value), 4) for name, value in zip(ARKIT_CHANNELS, frame.channels)},
        "head_rotation_deg": [round(float(value), 3) for value in frame.head_rotation_deg],
        "head_translation_m": [round(float(value), 5) for value in frame.head_translation_m],
        "gaze_deg": [[round(float(value), 3) for value in eye] for eye in frame.gaze_deg],
        "tongue": [round(float(value), 4) for value in frame.own[:TOGETHER]],
        "lips_together": round(float(frame.own[TOGETHER]), 4),
        "concealed": frame.concealed,
    }, separators=(",", ":"))


class LineSink:
    """JSON lines, each written out at once."""

    def __init__(self, stream: TextIO, first: str, *, close: bool = False) -> None:
        self._stream, self._close = stream, close
        self._write(first)

    def send(self, frame: Frame) -> None:
        self._write(line(frame))

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"The motion cannot be written any further: {error.strerror}.") from error

    def close(self) -> None:
        if self._close:
            self._stream.close()


class OscSink:
    """OSC bundles over UDP to one address."""

    def __init__(self, address: str) -> None:
        """address: host:port. Raises InputError."""
        host, _, port = address.rpartition(":")
        try:
            found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
        except (OSError, ValueError) as error:
            raise InputError(f"{address!r} is not an address to send to; write host:port, for example {DEFAULT_OSC}.") from error
        self._socket, self._target = socket.socket(found[0], socket.SOCK_DGRAM), found[4]

    def send(self, frame: Frame) -> None:
        try:
            for packet in packets(frame):
                self._socket.sendto(packet, self._target)
        except ConnectionRefusedError:
            pass  # nobody listens there yet; UDP does not mind, and the next frame tries again
        except OSError as error:
            raise OutputError(f"OSC cannot be sent to {self._target[0]}:{self._target[1]}: {error.strerror}.") from error

    def close(self) -> None:
        self._socket.close()


def open_sink(kind: str, to: str, *, stdout: TextIO, fps: Fraction, seed: int) -> LineSink | OscSink:
    """`stdout`: JSON lines there; `jsonl`: into the file `to`; `osc`: to the address `to`. Raises InputError, OutputError."""
    if kind == "osc":
        return OscSink(to or DEFAULT_OSC)
    if kind == "stdout" or (kind == "jsonl" and to in ("", "-")):
        return LineSink(stdout, header(fps, seed))
    if kind != "jsonl":
        raise InputError(f"Unknown output {kind!r}. Known: stdout, jsonl, osc.")
    try:
        return LineSink(open(Path(to), "w", encoding="utf-8"), header(fps, seed), close=True)
    except OSError as error:
        raise OutputError(f"Cannot write {to}: {error.strerror}. Choose a folder you may write to.") from error
