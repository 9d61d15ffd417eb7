"""The engine works without network and sound devices, and so must the libraries it loads.

MediaPipe's binary reports usage to play.googleapis.com (name and timing of each task session, system and Python version)
from a thread of its own, since about 0.10.30 and still in 1.2.2; it offers no switch (issue 6291 of google-ai-edge/mediapipe;
in the binary, `CreateTasksLogger` takes the silent logger only when the reporting one cannot be built). It sends
through libcurl, which reads the proxy variables of the environment for every transfer and gives up on a proxy of an
unknown scheme before it resolves a name or opens a connection (libcurl, CURLOPT_PROXY). That is the switch used here.

MediaPipe also imports sounddevice for a recorder that is not used here, and where PortAudio is installed that import alone connects
to the sound server and opens its devices.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TypeVar

Task = TypeVar("Task")

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_EXCEPTION_VARIABLES = ("no_proxy", "NO_PROXY")
_DEAD_END = "none://soliloquy-works-offline"

_environment_before: dict[str, str | None] = {}


def stop_telemetry() -> None:
    """Make every libcurl in this process, and in its children, fail before it touches the network.

    It lasts as long as the process, because reports are sent at any time until its end.
    """
    if _environment_before:
        return
    for name in _PROXY_VARIABLES + _EXCEPTION_VARIABLES:
        _environment_before[name] = os.environ.pop(name, None)
    for name in _PROXY_VARIABLES:
        os.environ[name] = _DEAD_END


def load_mediapipe() -> ModuleType:
    """MediaPipe, silent: it reports nothing and leaves the sound devices alone, which only `soliloquy live` may open.

    It does without sounddevice when that cannot be imported, which None among the loaded modules makes so (Python's import system).
    """
    stop_telemetry()
    untouched = "sounddevice" not in sys.modules
    if untouched:
        sys.modules["sounddevice"] = None
    try:
        import mediapipe
    finally:
        if untouched:
            del sys.modules["sounddevice"]
    return mediapipe


def silent_at_exit(task: Task) -> Task:
    """`task`, one of MediaPipe's, without the complaint of its finaliser: when the interpreter ends, the executor that it asks to free
    the network has ended before, and the process's end frees everything."""
    class Kept(type(task)):
        def __del__(self, ending=sys.is_finalizing):
            if not ending():
                self.close()

    task.__class__ = Kept
    return task


def environment_with_network() -> dict[str, str]:
    """The environment as it was before `stop_telemetry`, for a child process that the person allowed to download."""
    environment = dict(os.environ)
    for name, value in _environment_before.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    return environment
