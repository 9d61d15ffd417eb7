"""Live: sound in, motion out, while it is spoken.

`LivePerformance.push(samples)` gives the frames that the samples make known, 56 ms of sound behind the last of them, so that
a frame leaves 60 - 80 ms after its own moment. Same samples, same seed: same frames, whatever the chunks.

The stream (`soliloquy live --out stdout` and `--out jsonl`) is text, one JSON object in each line, UTF-8, written at once:

    {"format": "soliloquy-live", "format_version": 1, "fps": "30/1", "seed": 0, "channels": ["eyeBlinkLeft", ...]}
    {"frame": 0, "time_s": 0.0, "channels": {"eyeBlinkLeft": 0.0, ... all 52}, "head_rotation_deg": [yaw, pitch, roll],
     "head_translation_m": [x, y, z], "gaze_deg": [[yaw, pitch], [yaw, pitch]], "tongue": [up, back],
     "lips_together": 1.0, "concealed": false}
    ...
    {"event": "result", "frames": 300, "latency_ms": {"p50": 68, ...}, ...}

The first line tells the frame rate. Every line with a `frame` is one: frame n is at n / fps seconds after the first sample, on
the audio's clock; numbers only rise, and leap over a gap in the sound that is longer than 5 s. `channels`: Apple's 52, 0..1.
Rotation, translation, gaze (subject's left eye, right eye) tongue and lips_together (its `own`) are those of `MotionClip`. `concealed`: the sound of this
moment was lost; the mouth closes and the rest goes on. The last line of a stream that ended by itself sums it up. Readers
should skip lines that they do not know.

`--out osc` sends the same frames as VMC messages over UDP (osc.py). Nothing here opens a port to listen on.
"""
