"""What a person decides about one portrait, beside what is measured from its picture. Kept in the `.portrait` under
"settings"."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from ...common import shoulders
from ..errors import InputError
from .portrait import Part, Portrait
from .topology import CHIN, FOREHEAD, INNER_LIP_LOWER, INNER_LIP_UPPER

CHOICES = {"glasses": ("auto", "on", "off"), "lips": ("auto", "closed", "open"), "light": ("auto", "on", "off")}
RANGES = {"teeth": (0.0, 1.0), "shoulders": (0.0, 1.0), "matte": (-0.2, 0.2)}
WHEN_BUILT = ("glasses", "lips", "matte")
"""Settings that the picture is taken apart by; the others are followed whenever frames are made."""
TEETH = ("teeth_upper", "teeth_lower", "teeth_source")
LEAST_PARTING = 0.012
"""Lips set to open part by at least this share of the face's height."""


@dataclass(frozen=True)
class PortraitSettings:
    """One person's choices for one portrait.

    glasses: whether the face wears glasses, which then keep still on it: auto (looked for), on, off.
    lips: whether the mouth of the picture is closed, so that both lips meet in one seam: auto (measured), closed, open.
    light: whether the shading follows the turning head: auto (as far as the picture shows a light), on, off for flat art.
    teeth: how much of the teeth is seen, 0..1.
    shoulders: how much of the head's shifts, by breath and sway, the shoulders take part in, 0..1.
    matte: the person's edge is moved out by this (in, where negative), in pupil distances, -0.2..0.2.
    """

    glasses: str = "auto"
    lips: str = "auto"
    light: str = "auto"
    teeth: float = 1.0
    shoulders: float = shoulders.SHARE
    matte: float = 0.0

    @classmethod
    def of(cls, portrait: Portrait) -> PortraitSettings:
        """The settings kept in a portrait. What a later version wrote and this one does not know is left aside."""
        known = {name: value for name, value in portrait.settings.items() if name in CHOICES or name in RANGES}
        return cls().changed(f"{name}={value}" for name, value in known.items())

    def changed(self, assignments: Iterable[str]) -> PortraitSettings:
        """These settings with KEY=VALUE applied. Raises InputError."""
        values = {}
        for assignment in assignments:
            name, equals, text = (part.strip() for part in assignment.partition("="))
            if not equals or name not in (*CHOICES, *RANGES):
                raise InputError(f"{assignment!r} is no portrait setting. There are: {described()}.")
            values[name] = text.lower() if name in CHOICES else _number(name, text)
            if name in CHOICES and values[name] not in CHOICES[name]:
                raise InputError(f"{name} can be {', '.join(CHOICES[name])}; not {text!r}.")
        return dataclasses.replace(self, **values)

    def record(self) -> dict[str, str | float]:
        """Plain values for the file: what differs from the defaults."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)
                if getattr(self, field.name) != field.default}

    def needs_building(self, other: PortraitSettings) -> bool:
        """Whether going over to `other` asks for the picture to be taken apart again."""
        return any(getattr(self, name) != getattr(other, name) for name in WHEN_BUILT)

    def trust_in_light(self, measured: float) -> float:
        """How far to follow the light found in the picture, 0..1, when `measured` says how well it explains the picture."""
        return {"auto": measured, "on": 1.0, "off": 0.0}[self.light]


def described() -> str:
    """All settings with their values, in words."""
    words = [f"{name}={'|'.join(values)}" for name, values in CHOICES.items()]
    return ", ".join(words + [f"{name}={low:g}..{high:g}" for name, (low, high) in RANGES.items()])


def _number(name: str, text: str) -> float:
    low, high = RANGES[name]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise InputError(f"{name} must be a number from {low:g} to {high:g}; not {text!r}.")
    return value


def set_lip_seam(points: np.ndarray, wanted: str) -> np.ndarray:
    """Landmarks (478, 3) whose inner lip contours meet or part as `wanted` (auto, closed, open)."""
    if wanted == "auto":
        return points
    points = points.copy()
    upper, lower = list(INNER_LIP_UPPER), list(INNER_LIP_LOWER)
    middle = (points[upper] + points[lower]) / 2
    if wanted == "closed":
        points[upper] = points[lower] = middle
        return points
    down = points[CHIN, :2] - points[FOREHEAD, :2]
    parting = np.sin(np.linspace(0, np.pi, len(upper)))[:, None] * LEAST_PARTING * down
    gap = points[lower, :2] - points[upper, :2]
    narrow = (gap @ down)[:, None] < (parting @ down)[:, None]
    points[upper, :2] = np.where(narrow, middle[:, :2] - parting / 2, points[upper, :2])
    points[lower, :2] = np.where(narrow, middle[:, :2] + parting / 2, points[lower, :2])
    return points


def moved_edge(matte: np.ndarray, distance_px: float) -> np.ndarray:
    """The matte (H, W) 0..1 with its edge `distance_px` further out; further in, where negative."""
    reach = round(abs(distance_px))
    if reach == 0:
        return matte
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    return (cv2.dilate if distance_px > 0 else cv2.erode)(matte, window)


def shown_parts(portrait: Portrait) -> dict[str, Part]:
    """The portrait's parts as its settings let them be seen."""
    teeth = PortraitSettings.of(portrait).teeth
    parts = dict(portrait.parts)
    for name in TEETH if teeth < 1 else ():
        if name in parts:
            faded = parts[name].colour.copy()
            faded[:, 3] *= teeth
            parts[name] = dataclasses.replace(parts[name], colour=faded)
    return parts
