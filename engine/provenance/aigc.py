"""The metadata field "AIGC" of GB 45438-2025, appendix E: a machine reads from it that a file was made by one.

Where it goes follows the practice guides of TC260 (PG-20257A for video, PG-20259A for pictures): in pictures an XMP packet
with the element AIGC of TC260's namespace, in MP4 and MOV a metadata key "AIGC". Its value is JSON with seven fields, all
text.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
import zlib
from pathlib import Path

from PIL import Image

from ..render.write import ffmpeg_binary

KEY = "AIGC"
"""Name of the metadata key in videos, and of the element in XMP."""

FIELDS = ("Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2")
IS_GENERATED = "1"
"""Value of Label: generated (2 is probably, 3 suspected)."""

NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
XMP_KEYWORD = b"XML:com.adobe.xmp"
"""Keyword of the PNG chunk that holds XMP (XMP specification, part 3, 1.1.5)."""

LARGEST_METADATA_BYTES = 1 << 20
READING_TIME_S = 20.0
_PNG_HEAD_BYTES = 33
"""Signature and IHDR."""

_XMP_TIFF_TAG = 700
_IN_XMP = re.compile(r"<\w+:AIGC>(.*?)</\w+:AIGC>|\b\w+:AIGC=\"(.*?)\"", re.DOTALL)


def aigc_value(producer: str, identity: str) -> str:
    """The field's JSON for a file of `producer` with the content number `identity`; spreading it is the spreader's to fill
    in."""
    told = dict.fromkeys(FIELDS, "") | {"Label": IS_GENERATED, "ContentProducer": producer, "ProduceID": identity}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def png_chunk(value: str) -> bytes:
    """The iTXt chunk that carries `value` as XMP."""
    packet = (
        f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        f'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:TC260="{NAMESPACE}">'
        f'<TC260:{KEY}>{html.escape(value)}</TC260:{KEY}></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )
    body = (
        b"iTXt" + XMP_KEYWORD + bytes(5) + packet.encode()
    )  # end of keyword; not compressed, method 0; no language, no translation
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


def with_chunk(png: bytes, chunk: bytes) -> bytes:
    """A PNG file's bytes with `chunk` behind its header."""
    return png[:_PNG_HEAD_BYTES] + chunk + png[_PNG_HEAD_BYTES:]


def read_aigc(path: Path, *, is_video: bool) -> dict[str, str] | None:
    """The field in a picture or video, whoever wrote it; None when there is none or it cannot be read."""
    value = _of_video(path) if is_video else _of_picture(path)
    try:
        told = json.loads(value) if value else None
    except ValueError:
        return None
    told = told.get(KEY, told) if isinstance(told, dict) else None
    return {name: str(told[name])[:200] for name in FIELDS if told.get(name)} if isinstance(told, dict) else None


def _of_picture(path: Path) -> str:
    try:
        with Image.open(path) as picture:
            tags = getattr(picture, "tag_v2", {})
            packet = picture.info.get("xmp") or picture.info.get(XMP_KEYWORD.decode()) or tags.get(_XMP_TIFF_TAG) or b""
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""
    text = packet[:LARGEST_METADATA_BYTES]
    found = _IN_XMP.search(text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text))
    return html.unescape(found[1] or found[2] or "") if found else ""


def _of_video(path: Path) -> str:
    """As ffmpeg's own text form of metadata tells it: KEY=value, with = ; # \\ and line ends escaped by a backslash."""
    command = [ffmpeg_binary(), "-v", "quiet", "-nostdin", "-i", f"file:{path}", "-f", "ffmetadata", "pipe:1"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            text = process.communicate(timeout=READING_TIME_S)[0][:LARGEST_METADATA_BYTES].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            process.kill()
            return ""
    found = re.search(rf"^{KEY}=((?:\\.|[^\\\n])*)$", text, re.MULTILINE | re.DOTALL)
    return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL) if found else ""
