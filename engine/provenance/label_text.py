"""The words of the visible label in twelve languages, and fonts that can write them."""

from __future__ import annotations

from pathlib import Path

from PIL import ImageFont

from ..errors import InputError

SHORT = {
    "cs": "Vytvořeno pomocí AI", "de": "KI-erzeugt", "en": "AI-generated", "es": "Generado por IA", "fr": "Généré par IA",
    "it": "Generato con IA", "ja": "AI生成", "ko": "AI 생성", "nl": "Door AI gemaakt", "pl": "Wygenerowane przez AI",
    "pt": "Gerado por IA", "zh": "AI生成",
}
"""The bug, by language."""

LONG = {
    "cs": "Toto video bylo vytvořeno pomocí AI: portrét rozpohyboval počítač.",
    "de": "Dieses Video wurde mit KI erzeugt: Ein Porträt wurde vom Computer animiert.",
    "en": "This video was made with AI: a portrait was animated by computer.",
    "es": "Este vídeo se ha creado con IA: un retrato ha sido animado por ordenador.",
    "fr": "Cette vidéo a été créée avec une IA : un portrait a été animé par ordinateur.",
    "it": "Questo video è stato creato con l'IA: un ritratto è stato animato al computer.",
    "ja": "この動画はAIで生成されました。肖像をコンピューターで動かしています。",
    "ko": "이 영상은 AI로 생성되었습니다. 초상을 컴퓨터로 움직였습니다.",
    "nl": "Deze video is met AI gemaakt: een portret is door de computer geanimeerd.",
    "pl": "Ten film powstał przy użyciu AI: portret został ożywiony komputerowo.",
    "pt": "Este vídeo foi criado com IA: um retrato foi animado por computador.",
    "zh": "本视频由人工智能生成：肖像由计算机驱动。",
}
"""The heading of slate and end card."""

MISSING_GLYPH = "\uffff"
TRIED_PX = 20


def font_for(texts: tuple[str, ...], chosen: Path | None) -> Path:
    """The font file to write `texts` with. Raises InputError when it cannot be read or lacks a character."""
    path = chosen or _default_font()
    try:
        font = ImageFont.truetype(str(path), TRIED_PX)
    except OSError as error:
        raise InputError(f"The label's font {path} cannot be read ({error}).") from error
    missing = bytes(font.getmask(MISSING_GLYPH))
    lacking = [
        character
        for text in texts
        for character in text
        if not character.isspace() and bytes(font.getmask(character)) == missing
    ]
    if lacking:
        raise InputError(
            f'The font {path.name} has no {lacking[0]!r} for the label. Name one in the policy: [label] font = "...".'
        )
    return path


def wrapped(text: str, font: ImageFont.FreeTypeFont, width_px: float) -> list[str]:
    """`text` in lines no wider than `width_px`: broken between words, and inside those that are wider (Chinese,
    Japanese)."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width_px:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if lines[-1] and font.getlength(lines[-1] + character) > width_px:
                lines.append("")
            lines[-1] += character
    return lines


def _default_font() -> Path:
    """DejaVu Sans, which comes with matplotlib: Latin, Greek, Cyrillic."""
    import matplotlib
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
