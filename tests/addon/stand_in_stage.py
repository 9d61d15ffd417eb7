"""Speaks the engine's protocol for the stage's tasks, and writes a short live stream."""

import json
import os
import pathlib
import shutil
import sys

if sys.argv[1] == "live":
    if "404" in sys.argv:
        sys.exit("There is no microphone here.")
    rate = sys.argv[sys.argv.index("--fps") + 1]
    names = os.environ["STAND_IN_CHANNELS"].split()
    print(json.dumps({"format": "soliloquy-live", "format_version": 1, "fps": rate, "seed": 0, "channels": names}))
    for number in range(12):
        print(json.dumps({"frame": number, "time_s": number / 24, "channels": dict.fromkeys(names, number / 10 if number < 10 else 1),
                          "head_rotation_deg": [number, 0, 0], "head_translation_m": [0, 0, 0], "gaze_deg": [[0, 0], [0, 0]],
                          "concealed": False}))
    sys.exit(0)

request = json.loads(sys.stdin.readline())
job = request["job"]
out = pathlib.Path(job["out"])
(out.parent / f"request-{request['command']}.json").write_text(json.dumps(request), encoding="utf-8")
samples = {"portrait": "sample.portrait", "landmarks": "sample.json"}
if request["command"] == "say":
    out.write_bytes(b"RIFF")
else:
    shutil.copy(out.parent.parent / samples[request["command"]], out)
for event in ({"event": "progress", "stage": request["command"], "done": 1, "total": 2}, {"event": "result", "out": str(out)}):
    sys.stdout.write(json.dumps({"id": request["id"], **event}) + "\n")
sys.stdout.flush()
sys.stdin.read()
