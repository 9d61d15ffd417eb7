"""The figures of the scoreboard: what is measured, in which unit, and between which bounds it should lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

PASS, MISS, NOT_APPLICABLE, REPORTED = "pass", "miss", "n/a", "-"
"""How a figure came out; REPORTED figures have no target."""


@dataclass(frozen=True)
class Target:
    """A figure's definition.

    row: row of the scoreboard (docs/measures.md); low, high: bounds of the target, None where there is none;
    real: the same figure in footage of people, "" where unknown; digits: decimals shown; short: head of its column in the
    table of many pictures, "" when it is not shown there.
    """

    row: int
    name: str
    unit: str
    low: float | None
    high: float | None
    real: str = ""
    digits: int = 2
    short: str = ""

    @property
    def text(self) -> str:
        """The bounds as printed: `0.9 .. 1.1`, `<= 2`, `>= 45`, "" without bounds."""
        if not self.bounded:
            return ""
        if self.low is not None and self.high is not None:
            return f"{self.low:g} .. {self.high:g}"
        return f"<= {self.high:g}" if self.high is not None else f">= {self.low:g}"

    @property
    def bounded(self) -> bool:
        """Whether there is a target at all."""
        return self.low is not None or self.high is not None

    def met_by(self, value: float) -> bool:
        """Whether `value` lies within the bounds; a value that is not a number never does."""
        return math.isfinite(value) and (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


TARGETS: dict[str, Target] = {
    "pose_error": Target(1, "head pose, mean error", "deg", None, 1.5, short="pose"),
    "pose_slope_yaw": Target(1, "yaw, measured per commanded", "", 0.9, 1.1, short="yaw"),
    "pose_slope_pitch": Target(1, "pitch, measured per commanded", "", 0.9, 1.1, short="pitch"),
    "pose_slope_roll": Target(1, "roll, measured per commanded", "", 0.9, 1.1, short="roll"),
    "pose_correlation": Target(1, "head pose, smallest r of the three axes", "", 0.98, None, digits=3),
    "pose_detected_yaw": Target(1, "yaw per commanded, as the detector takes it", "", None, None, short="y det"),
    "pose_detected_pitch": Target(1, "pitch per commanded, as the detector takes it", "", None, None, short="p det"),
    "pose_drawn": Target(1, "head pose as drawn, mean error", "deg", None, None),
    "pose_relief": Target(1, "depth found from the turning, of the average head's", "", None, None, short="relief"),
    "distance_error": Target(2, "head distance, mean error of the eye distance", "%", None, 2.0, short="dist"),
    "blink_precision": Target(3, "blinks, precision", "", 0.95, None, short="prec"),
    "blink_recall": Target(3, "blinks, recall", "", 0.95, None, short="recall"),
    "blink_width": Target(3, "blinks, full width at half maximum", "ms", 130.0, 300.0, digits=0, short="width"),
    "blink_precision_detected": Target(3, "blinks, precision, as the detector takes it", "", None, None),
    "blink_recall_detected": Target(3, "blinks, recall, as the detector takes it", "", None, None, short="b det"),
    "iris_visible": Target(3, "eye still visible behind closed lids", "%", None, 2.0, short="iris"),
    "gaze_error": Target(4, "gaze, mean error", "deg", None, 4.0, real="VASA-1 5.25", short="gaze"),
    "gaze_gain": Target(4, "iris travel across per that of a human eye", "", 0.8, 1.2, short="gain"),
    "gaze_gain_up": Target(4, "iris travel up and down per that of a human eye", "", None, None, short="up"),
    "gaze_detected": Target(4, "iris travel per that of a human eye, as the detector takes it", "", None, None,
                            short="g det"),
    "gaze_drawn": Target(4, "iris travel per that of a human eye, as drawn", "", 0.9, 1.1, short="drawn"),
    "counter_gain": Target(4, "eyes against a turning head, gain", "", 0.9, 1.1, real="about 1", short="contra"),
    "lip_seal_canonical": Target(5, "posed closures: lips sealed", "%", 95.0, None, digits=0, short="seal"),
    "lip_seal_canonical_detected": Target(5, "posed closures: lips sealed, as the detector takes it", "%", None, None, digits=0),
    "lip_open_canonical": Target(5, "posed open mouths, smallest gap / eye distance", "", 0.06, None, digits=3,
                                 short="open"),
    "lip_seal": Target(5, "lips sealed at P B M", "%", 95.0, None, digits=0, short="PBM"),
    "lip_seal_detected": Target(5, "lips sealed at P B M, as the detector takes it", "%", None, None, digits=0, short="P det"),
    "lip_open": Target(5, "open vowels, median gap / eye distance", "", 0.06, None, digits=3, short="vowel"),
    "labiodental": Target(6, "lower lip meets upper teeth in F V", "%", 90.0, None, digits=0, short="FV"),
    "visemes": Target(7, "visemes told by the lips, of what the curves tell", "%", 85.0, None, digits=0, short="vis"),
    "visemes_detected": Target(7, "visemes told by the detector's lips, of what the curves tell", "%", None, None, digits=0, short="v det"),
    "visemes_drawn": Target(7, "visemes told by the lips as drawn, of what the curves tell", "%", None, None, digits=0,
                            short="v drawn"),
    "timing": Target(8, "lips after the sound", "ms", -20.0, 20.0, digits=0, short="late"),
    "timing_detected": Target(8, "lips after the sound, as the detector takes it", "ms", None, None, digits=0, short="l det"),
    "timing_fit": Target(8, "lips against the sounds' opening, r", "", None, None, digits=2),
    "silence": Target(9, "lip gap in silences, deviation / eye distance", "", None, 0.026, digits=4, short="quiet"),
    "silence_alive": Target(9, "blinks and head going on meanwhile (1 = yes)", "", 1.0, None, digits=0),
    "head_std_yaw": Target(10, "yaw, standard deviation", "deg", 3.0, 9.0),
    "head_std_pitch": Target(10, "pitch, standard deviation", "deg", 3.0, 6.0),
    "head_std_roll": Target(10, "roll, standard deviation", "deg", 2.0, 4.0, real="one man 4.1"),
    "head_change": Target(10, "angle change per frame at 25 fps", "deg", 0.40, 0.55,
                          real=".405-.505 (VASA-1 .30-.32)", digits=3),
    "head_slow": Target(10, "share of motion below 1 Hz", "%", 75.0, 90.0, digits=0),
    "head_middle": Target(10, "share of motion 1-2 Hz", "%", 8.0, 18.0, digits=0),
    "head_fast": Target(10, "share of motion above 5 Hz", "%", None, 2.0),
    "blink_rate": Target(11, "blinks per minute", "/min", 15.0, 30.0, real="17-26, one man 24", digits=1),
    "blink_variation": Target(11, "blink intervals, coefficient of variation", "", 0.6, 1.0, real="one man .69"),
    "blink_log_normal": Target(11, "blink intervals log-normal, p", "", 0.05, None),
    "diversity_head": Target(12, "head: between seeds / in time", "", 0.5, None),
    "diversity_lips": Target(12, "lips: between seeds / in time", "", None, 0.15, digits=3),
    "identity_shape": Target(13, "shape of the face when it turns, difference / eye distance", "%", None, 1.5, short="shape"),
    "identity_shape_detected": Target(13, "shape of the face when it turns, as the detector takes it", "%", None, None,
                                      short="s det"),
    "identity_colour": Target(13, "colour of the skin when it turns, difference", "dE", None, 3.0, short="skin"),
    "sharpness_face": Target(13, "sharpness when it turns, face", "", 0.9, 1.1, short="sharp"),
    "sharpness_mouth": Target(13, "sharpness when it turns, mouth", "", 0.7, None),
    "background": Target(14, "background while the head moves, PSNR", "dB", 45.0, None, digits=1, short="backgr"),
    "background_plate": Target(14, "checkerboard plate, PSNR", "dB", 45.0, None, digits=1, short="plate"),
    "flicker": Target(15, "unsteadiness when movement is taken out, of a moved picture's", "", None, 1.5, short="flick"),
    "flicker_with_light": Target(15, "change left then, the turning head's light included, of a moved picture's", "", None, None,
                                 short="f+light"),
    "curves_fast": Target(15, "curves of mouth and head, share above 8 Hz", "%", None, 2.0),
    "teeth_rigid": Target(16, "upper teeth against the skull / eye distance", "%", None, 0.5, short="teeth"),
    "teeth_visible": Target(16, "open mouths that show them", "%", 60.0, None, digits=0),
    "teeth_colour": Target(16, "their colour outside the face's range", "dE", None, 3.0),
    "rest": Target(17, "neutral frame against the picture, PSNR", "dB", 45.0, None, digits=1, short="rest"),
    "rest_face": Target(17, "the same within the face, PSNR", "dB", 45.0, None, digits=1, short="face"),
    "speed_end_to_end": Target(18, "end to end at 512", "fps", 8.0, None, digits=1, short="fps"),
    "speed_first_frame": Target(18, "first frame of a loaded portrait", "ms", None, None, digits=0),
    "speed_memory": Target(18, "peak memory", "MiB", None, None, digits=0, short="MiB"),
}
"""Every figure by key, in the order printed."""

ROWS: tuple[int, ...] = tuple(dict.fromkeys(target.row for target in TARGETS.values()))
"""The rows measured so far."""


@dataclass(frozen=True)
class Figure:
    """One measured value.

    value: None when the figure does not apply to this subject (then `note` says why); NaN when it was asked for and nothing
    could be read, which is a miss. noise: scatter of the same reading on a still picture, in the figure's unit, if it has
    one.
    """

    key: str
    value: float | None
    note: str = ""
    noise: float | None = None

    @property
    def target(self) -> Target:
        """The definition."""
        return TARGETS[self.key]

    @property
    def status(self) -> str:
        """`pass`, `miss`, `n/a` or `-`."""
        if self.value is None:
            return NOT_APPLICABLE
        if not self.target.bounded:
            return REPORTED
        return PASS if self.target.met_by(self.value) else MISS

    def as_json(self) -> dict:
        """Plain JSON values; a value that is not a number becomes null with status miss."""
        finite = self.value is not None and math.isfinite(self.value)
        return {"figure": self.key, "row": self.target.row, "name": self.target.name, "unit": self.target.unit,
                "target": self.target.text, "value": round(self.value, 5) if finite else None, "status": self.status,
                "noise": None if self.noise is None else round(self.noise, 5), "real": self.target.real, "note": self.note}


def not_applicable(keys: tuple[str, ...], reason: str) -> list[Figure]:
    """Figures that do not apply to the subject, all for one reason."""
    return [Figure(key, None, reason) for key in keys]
