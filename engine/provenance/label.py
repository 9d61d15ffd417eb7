"""The visible label, for those who want or owe one: a line of text in a corner (the bug), a card before the clip (the slate)
and one after.

It stays within the graphics safe area (EBU R 95: 5 % from every edge); the bug is 5 % of the shorter side high, which is the
least that GB 45438-2025 asks of a picture. It is drawn before the mark, and with its own opacity where a frame has an alpha
channel. For those who composite, the same comes as transparent pictures beside untouched frames.
"""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..errors import InputError
from .label_text import LONG, SHORT, font_for, wrapped
from .policy import SHAPES, LabelPolicy

SAFE_MARGIN, HEIGHT = 0.05, 0.05
"""Share of width and height that stays free; share of the shorter side that letters are high."""

HEADING, BODY = 0.075, 0.05
"""Letters of a card: share of the shorter side that the font's size is. They shrink until all of it fits."""
LEADING = 1.4
"""Line height over font size."""
CARD_COLOUR, CARD_INK, CARD_SMALL_INK = (18, 18, 20), (240, 240, 240), (175, 175, 180)

BUG, SLATE, END_CARD = SHAPES


class Label:
    """The label of one clip."""

    def __init__(self, policy: LabelPolicy, *, fps: Fraction) -> None:
        """Raises InputError for a language without words here, or a font that lacks their characters."""
        if policy.language and policy.language not in SHORT:
            raise InputError(
                f'The label has no words in {policy.language!r}. Known: {", ".join(SHORT)}; or write [label] text = "...".'
            )
        self.policy = policy
        self.text = policy.text or SHORT[policy.language]
        self.heading = policy.text or LONG[policy.language]
        self.card_frames = max(1, round(policy.card_seconds * fps))
        self._font_path = font_for((self.text, self.heading, *policy.lines), policy.font)
        self._last_frame = round(policy.seconds * fps) if policy.seconds else None
        self._bug: np.ndarray | None = None
        self._count = 0

    def apply(self, frame: np.ndarray) -> np.ndarray:
        """The next (H, W, 3|4) uint8 frame, with the bug where there is to be one."""
        self._count += 1
        if BUG not in self.policy.shapes or (self._last_frame is not None and self._count > self._last_frame):
            return frame
        height, width = frame.shape[:2]
        if self._bug is None or self._bug.shape[:2] != (height, width):
            self._bug = self.bug((width, height))
        return _laid_over(frame, self._bug)

    def cards_around(self, size: tuple[int, int]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Frames (H, W, 3) to show before and after the clip; empty lists where no card is wanted."""
        card = self.card(size)
        return tuple([card] * self.card_frames if shape in self.policy.shapes else [] for shape in (SLATE, END_CARD))

    def layers(self, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """What the label would put into the outputs, by name: (H, W, 4) for the bug, transparent around it, (H, W, 3) for
        cards."""
        drawn = {BUG: self.bug, SLATE: self.card, END_CARD: self.card}
        return {shape: drawn[shape](size) for shape in self.policy.shapes}

    def bug(self, size: tuple[int, int]) -> np.ndarray:
        """(H, W, 4): the line alone, white letters with a dark rim that reads on any picture."""
        letters = max(9, round(min(size) * HEIGHT * 1.35))  # of a font's size, capitals are about three quarters
        sheet = Image.new("RGBA", size, (0, 0, 0, 0))
        draw = ImageDraw.Draw(sheet)
        while True:
            font, rim = ImageFont.truetype(str(self._font_path), letters), max(1, letters // 12)
            left, top, right, bottom = draw.textbbox((0, 0), self.text, font=font, stroke_width=rim)
            if right - left <= size[0] * (1 - 2 * SAFE_MARGIN) or letters <= 9:
                break
            letters -= 1
        margin = [side * SAFE_MARGIN for side in size]
        x = margin[0] if "left" in self.policy.place else size[0] - margin[0] - (right - left)
        y = margin[1] if "top" in self.policy.place else size[1] - margin[1] - (bottom - top)
        draw.text((round(x - left), round(y - top)), self.text, font=font, fill=(255, 255, 255, 235), stroke_width=rim,
                  stroke_fill=(0, 0, 0, 200))
        return np.array(sheet)

    def card(self, size: tuple[int, int]) -> np.ndarray:
        """(H, W, 3): a dark frame with the heading and, smaller, the policy's further lines, in the middle."""
        room = [side * (1 - 2 * SAFE_MARGIN) for side in size]
        scale = 1.0
        while True:
            rows = self._rows(min(size) * scale, room[0])
            high = sum(font.size * LEADING for _, font, _ in rows)
            if high <= room[1] or scale < 0.2:
                break
            scale *= 0.9
        sheet = Image.new("RGB", size, CARD_COLOUR)
        draw = ImageDraw.Draw(sheet)
        y = (size[1] - high) / 2
        for text, font, ink in rows:
            draw.text(((size[0] - font.getlength(text)) / 2, y), text, font=font, fill=ink)
            y += font.size * LEADING
        return np.array(sheet)

    def _rows(self, shorter_px: float, width_px: float) -> list[tuple[str, ImageFont.FreeTypeFont, tuple[int, int, int]]]:
        heading, body = (
            ImageFont.truetype(str(self._font_path), max(6, round(shorter_px * share))) for share in (HEADING, BODY)
        )
        rows = [(row, heading, CARD_INK) for row in wrapped(self.heading, heading, width_px)]
        return rows + [(row, body, CARD_SMALL_INK) for line in self.policy.lines for row in wrapped(line, body, width_px)]


def _laid_over(frame: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """A copy of `frame` (H, W, 3|4) under `sheet` (H, W, 4), both with straight alpha; only what the sheet covers is
    touched."""
    rows, columns = np.nonzero(sheet[..., 3])
    box = np.s_[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
    labelled, drawn = frame.copy(), sheet[box]
    opacity = drawn[..., 3:].astype(np.float32) / 255
    colour = labelled[box][..., :3] * (1 - opacity) + drawn[..., :3] * opacity
    labelled[box][..., :3] = np.round(colour).astype(np.uint8)
    if frame.shape[2] == 4:
        labelled[box][..., 3] = cv2.max(np.ascontiguousarray(labelled[box][..., 3]), np.ascontiguousarray(drawn[..., 3]))
    return labelled


def label_of(policy: LabelPolicy, fps: Fraction) -> Label | None:
    """The label the policy asks for, or None. Raises InputError."""
    return Label(policy, fps=fps) if policy.text or policy.language else None
