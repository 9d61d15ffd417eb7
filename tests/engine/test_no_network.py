"""The engine opens no connection while it works, not even to the sound server.

Python's own audit events watch it, and on Linux the kernel: MediaPipe's binary reports usage from C++ and is invisible to Python, so
that the second check runs the whole job under a seccomp filter which kills the process at its first `connect`, `sendto`, `sendmsg` or
`sendmmsg` system call.
"""

from __future__ import annotations

import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from soliloquy.engine.audio.say import say
from soliloquy.engine.offline import environment_with_network

AUDIT_GUARD = """
import os, sys
def guard(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind", "socket.gethostbyname"):
        os.write(2, f"NETWORK {event} {arguments[1:]}\\n".encode())
        os._exit(99)
sys.addaudithook(guard)
"""

# BPF: load the system call number; kill the process for the forbidden ones, else allow. (seccomp(2), SECCOMP_RET_KILL_PROCESS)
SECCOMP_GUARD = """
import ctypes, platform, struct
numbers = {"x86_64": (42, 44, 46, 307), "aarch64": (203, 206, 211, 269)}[platform.machine()]
program = struct.pack("HBBI", 0x20, 0, 0, 0)
for number in numbers:
    program += struct.pack("HBBI", 0x15, 0, 1, number) + struct.pack("HBBI", 0x06, 0, 0, 0x80000000)
program += struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000)
buffer = ctypes.create_string_buffer(program)
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(Program(len(program) // 8, ctypes.addressof(buffer))), 0, 0):
    raise SystemExit(77)
"""

WORK = """
import sys, time
from fractions import Fraction
from pathlib import Path
from soliloquy.engine.animate import run_animate
from soliloquy.engine.jobs import Job
from soliloquy.engine.provenance.consent import Rights
folder = Path(sys.argv[1])
run_animate(Job(portrait=folder / "face.png", audio=folder / "voice.wav", out=folder / "out", size="128", formats=("mp4", "png"),
                rights=Rights("public-domain", "NASA")))
time.sleep(1.5)  # reports are sent from threads of their own
print("DONE")
"""

CALL_OUT = """
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("127.0.0.1", 9))
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("offline")
    Image.fromarray(data.astronaut()[:256, 96:352]).save(folder / "face.png")
    say("Hello.", folder / "voice.wav")
    return folder


def run(code: str, folder: Path) -> subprocess.CompletedProcess:
    environment = {**environment_with_network(), "SOLILOQUY_CACHE": str(folder / "cache" / str(len(code)))}
    return subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, env=environment)


def test_no_connection_is_opened(inputs):
    assert run(AUDIT_GUARD + CALL_OUT, inputs).returncode == 99, "the first guard does not see connections"
    guards = AUDIT_GUARD
    if platform.system() == "Linux" and platform.machine() in ("x86_64", "aarch64"):
        control = run(SECCOMP_GUARD + CALL_OUT, inputs)
        if control.returncode != 77:  # 77: this kernel does not let a process filter its own system calls
            assert control.returncode == -signal.SIGSYS, "the second guard does not see connections"
            guards += SECCOMP_GUARD
    result = run(guards + WORK, inputs)
    assert result.returncode == 0 and "DONE" in result.stdout, (result.returncode, result.stderr[-2000:])


def test_a_child_that_may_download_gets_its_environment_back():
    """In a process of its own, because stopping telemetry lasts as long as the process."""
    code = ("import os\nfrom soliloquy.engine.offline import *\nos.environ['https_proxy'] = 'http://proxy:3128'\n"
            "os.environ.pop('HTTPS_PROXY', None)\nstop_telemetry(); stop_telemetry()\n"
            "assert os.environ['https_proxy'].startswith('none://')\n"
            "there = environment_with_network()\nassert there['https_proxy'] == 'http://proxy:3128' and 'HTTPS_PROXY' not in there")
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_mediapipe_leaves_the_sound_devices_to_the_microphone():
    """Importing sounddevice opens every sound device; afterwards it can be imported by who wants to listen."""
    code = ("import importlib.util, sys\nfrom soliloquy.engine.offline import load_mediapipe\nvision = load_mediapipe().tasks.vision\n"
            "assert vision.FaceLandmarker and 'sounddevice' not in sys.modules and importlib.util.find_spec('sounddevice')")
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


LEFT_OPEN = """
from soliloquy.engine.measure.detectors import FaceDetector
left_open = FaceDetector()
"""


def test_a_network_left_open_says_nothing_when_the_process_ends():
    """MediaPipe's own finaliser printed a traceback after everything else, at random for the detector of `build_portrait`."""
    done = subprocess.run([sys.executable, "-c", LEFT_OPEN], capture_output=True, text=True)
    assert done.returncode == 0 and "Exception ignored" not in done.stderr and "Traceback" not in done.stderr, done.stderr
