"""The visible label, for those who want or owe one: a line of text in a corner, throughout or for the first seconds.

It stays within the graphics safe area (EBU R 95: 5 % from every edge) and is 5 % of the shorter side high, which is the least that GB 45438-2025
asks of a picture. It is drawn before the mark, and with its own opacity where a frame has an alpha channel.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..errors import InputError
from .policy import Policy

TEXTS = {"en": "AI-generated", "de": "KI-erzeugt", "fr": "Généré par IA", "es": "Generado por IA", "it": "Generato con IA",
         "pt": "Gerado por IA", "nl": "Door AI gemaakt", "pl": "Wygenerowane przez AI", "cs": "Vytvořeno pomocí AI", "zh": "AI生成", "ja": "AI生成",
         "ko": "AI 생성"}
"""What [label] language = "xx" stands for. The last three need a font that has the characters."""

SAFE_MARGIN, HEIGHT = 0.05, 0.05
"""Share of width and height that stays free; share of the shorter side that letters are high."""

MISSING_GLYPH = "\uffff"


class Label:
    """Draws one label into the frames of a clip."""

    def __init__(self, text: str, *, place: str, seconds: float, fps: Fraction, font: Path | None = None) -> None:
        """seconds: how long from the start; 0 is throughout. font: a TrueType file. Raises InputError when it lacks the characters."""
        self.text, self.place = text, place
        self._last_frame = round(seconds * fps) if seconds else None
        self._font_path = font or _default_font()
        self._check_font()
        self._drawn: np.ndarray | None = None
        self._count = 0

    def _check_font(self) -> None:
        try:
            font = ImageFont.truetype(str(self._font_path), 20)
        except OSError as error:
            raise InputError(f"The label's font {self._font_path} cannot be read ({error}).") from error
        missing = bytes(font.getmask(MISSING_GLYPH))
        lacking = [character for character in self.text if not character.isspace() and bytes(font.getmask(character)) == missing]
        if lacking:
            raise InputError(f"The font {self._font_path.name} has no {lacking[0]!r} for the label. Name one in the policy: [label] font = \"...\".")

    def apply(self, frame: np.ndarray) -> np.ndarray:
        """A labelled copy of the next (H, W, 3|4) uint8 frame."""
        self._count += 1
        if self._last_frame is not None and self._count > self._last_frame:
            return frame
        height, width = frame.shape[:2]
        if self._drawn is None or self._drawn.shape[:2] != (height, width):
            self._drawn = self._draw((width, height))
        rows, columns = np.nonzero(self._drawn[..., 3])
        box = np.s_[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
        labelled, drawn = frame.copy(), self._drawn[box]
        opacity = drawn[..., 3:].astype(np.float32) / 255
        colour = labelled[box][..., :3] * (1 - opacity) + drawn[..., :3] * opacity
        labelled[box][..., :3] = np.round(colour).astype(np.uint8)
        if frame.shape[2] == 4:
            labelled[box][..., 3] = cv2.max(np.ascontiguousarray(labelled[box][..., 3]), np.ascontiguousarray(drawn[..., 3]))
        return labelled

    def _draw(self, size: tuple[int, int]) -> np.ndarray:
        """(H, W, 4): the label alone, white letters with a dark rim that reads on any picture."""
        letters = max(9, round(min(size) * HEIGHT * 1.35))  # of a font's size, capitals are about three quarters
        font = ImageFont.truetype(str(self._font_path), letters)
        sheet = Image.new("RGBA", size, (0, 0, 0, 0))
        draw = ImageDraw.Draw(sheet)
        rim = max(1, letters // 12)
        left, top, right, bottom = draw.textbbox((0, 0), self.text, font=font, stroke_width=rim)
        margin = [side * SAFE_MARGIN for side in size]
        x = margin[0] if "left" in self.place else size[0] - margin[0] - (right - left)
        y = margin[1] if "top" in self.place else size[1] - margin[1] - (bottom - top)
        draw.text((round(x - left), round(y - top)), self.text, font=font, fill=(255, 255, 255, 235), stroke_width=rim,
                  stroke_fill=(0, 0, 0, 200))
        return np.array(sheet)


def label_of(policy: Policy, fps: Fraction) -> Label | None:
    """The label the policy asks for, or None. Raises InputError."""
    text = policy.label_text or TEXTS.get(policy.label_language, "")
    if not text:
        return None
    return Label(text, place=policy.label_place, seconds=policy.label_seconds, fps=fps, font=policy.label_font)


def _default_font() -> Path:
    """DejaVu Sans, which comes with matplotlib: Latin, Greek, Cyrillic."""
    import matplotlib
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
