"""Speaks the engine's protocol and does what the request's portrait is called: the real engine's tests are elsewhere.

Started as the engine is: a Python, this file, "worker"; one JSON request a line on standard input, events on
standard output.
"""

import json
import os
import pathlib
import shutil
import signal
import sys
import threading
import time

sys.stderr.write("stand-in engine starts\n")
request = json.loads(sys.stdin.readline())
job = request["job"]
out = pathlib.Path(job["out"])
(out.parent / "request.json").write_text(json.dumps(request), encoding="utf-8")


def send(**event) -> None:
    sys.stdout.write(json.dumps({"id": request["id"], **event}) + "\n")
    sys.stdout.flush()


def stop_when_asked() -> None:
    if json.loads(sys.stdin.readline())["command"] == "cancel":
        (out / "half-written").unlink()
        os._exit(0)


match pathlib.Path(job["portrait"]).stem:
    case "faceless":
        send(event="error", code="no_face", message="No face was found in faceless.png.")
    case "crash":
        sys.stderr.write("Segmentation fault, or so\n")
        sys.exit(3)
    case "killed":
        out.mkdir()
        send(event="progress", stage="render", done=1, total=2)
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    case "slow":
        out.mkdir()
        (out / "half-written").touch()
        threading.Thread(target=stop_when_asked, daemon=True).start()
        for done in range(600):
            send(event="progress", stage="render", done=done, total=600)
            time.sleep(0.1)
    case "deaf":
        send(event="progress", stage="render", done=0, total=1)
        time.sleep(60)
    case _:
        print("a library that prints")
        send(event="progress", stage="portrait", done=1, total=1)
        send(event="progress", stage="render", done=5, total=10)
        shutil.copytree(pathlib.Path(job["portrait"]).parent / "performance", out)
        send(event="result", out=str(out))
sys.stdin.read()
