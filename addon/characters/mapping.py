"""A mapping: which source moves which shape key or bone, and by how much. TOML on disk (`presets/mappings`), meant to be shared.

    format_version = 1
    name = "My dragon"
    includes = ["bones"]                 # rows of presets/mappings/parts/bones.toml, too

    [[key]]
    source = "jawOpen"                   # a source, or a sum: "0.5*mouthSmileLeft + 0.5*mouthSmileRight"
    names = ["MouthOpen", "mouth_open"]  # the shape key, best name first
    gain = 1.2                           # value = clip(gain * source + offset, min, max)

    [[bone]]
    source = "jawOpen"
    names = ["Jaw"]
    motion = "pitch"                     # yaw, pitch, roll in degrees; x, y, z in metres; the character's own, as in MotionClip
    axis = "AUTO"                        # or the bone's own X, -X, ... Z
    gain = -20.0
    unless = "jawOpen"                   # left out when a shape key takes this source already
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...common.data_files import PRESETS, read_toml
from ..errors import AddonError, FileError
from ..settings_files import write_record
from .choices import AUTO, AXES, BONE, KEY, MOTIONS
from .matching import find_name
from .signals import parse_source

FORMAT_VERSION = 1
FOLDER = PRESETS / "mappings"
PARTS = FOLDER / "parts"

MOST_ROWS = 1000
DEEPEST_INCLUDE = 3


@dataclass(frozen=True)
class Row:
    """One line: value = clip(gain * source + offset, low, high), on a shape key or on one motion of a bone.

    names: what the target may be called, best first; one name once it is matched. unless: see the module.
    """

    kind: str
    source: str
    names: tuple[str, ...]
    gain: float = 1.0
    offset: float = 0.0
    low: float = 0.0
    high: float = 1.0
    motion: str = "pitch"
    axis: str = AUTO
    unless: str = ""


@dataclass(frozen=True)
class Mapping:
    """name: for the person; rows: its own; included: those of the parts it includes."""

    name: str
    rows: tuple[Row, ...]
    included: tuple[Row, ...] = ()
    description: str = ""
    sources: tuple[str, ...] = field(default=())


@functools.cache
def preset_mappings() -> dict[str, Mapping]:
    """The mappings that come with the program, by key, ARKit first."""
    paths = sorted(FOLDER.glob("*.toml"), key=lambda path: (path.stem != "arkit", path.stem))
    return {path.stem: read_mapping(path) for path in paths}


def read_mapping(path: Path) -> Mapping:
    """Read and check a mapping file. Raises FileError."""
    try:
        return _mapping(path, depth=0)
    except (ValueError, KeyError, TypeError, AddonError) as error:
        text = str(error) if str(path) in str(error) else f"{path} is no mapping: {error}"
        raise FileError(text) from error


def write_mapping(path: Path, name: str, rows: list[Row]) -> None:
    """Write a mapping that `read_mapping` reads back, whole or not at all. Raises AddonError."""
    record = {"format_version": FORMAT_VERSION, "name": name, "key": [_key_record(row) for row in rows if row.kind == KEY],
              "bone": [_bone_record(row) for row in rows if row.kind == BONE]}
    write_record(path, record)


def matched(mapping: Mapping, keys: list[str], bones: list[str]) -> list[Row]:
    """The rows whose target exists, with its real name; a target is given to the first row of the same source only."""
    found: list[Row] = []
    for row in (*mapping.rows, *mapping.included):
        target = find_name(row.names, keys if row.kind == KEY else bones)
        if target is None or _taken(row, target, found):
            continue
        found.append(replace(row, names=(target,), unless=""))
    return found


def best_mapping(keys: list[str], bones: list[str]) -> Mapping:
    """The preset that moves most of this character; of equals the one of which most is found, ARKit before others.

    Raises AddonError when nothing is found.
    """
    presets = preset_mappings()
    found = {key: len(matched(mapping, keys, bones)) for key, mapping in presets.items()}
    best = max(found, key=lambda key: (found[key], found[key] / len(presets[key].rows)))
    if not found[best]:
        raise AddonError("No shape key or bone of this character has a name of a known standard. Add rows by hand.")
    return presets[best]


def _taken(row: Row, target: str, found: list[Row]) -> bool:
    if row.unless and any(other.kind == KEY and other.source == row.unless for other in found):
        return True
    if row.kind == KEY:
        return any(other.kind == KEY and other.names[0] == target for other in found)
    return any(other.kind == BONE and (other.names[0], other.motion) == (target, row.motion) for other in found)


def _mapping(path: Path, depth: int) -> Mapping:
    if depth > DEEPEST_INCLUDE:
        raise ValueError("it includes itself")
    record = read_toml(path, format_version=FORMAT_VERSION)
    included = []
    for part in record.get("includes", []):
        other = _mapping(PARTS / f"{Path(str(part)).name}.toml", depth + 1)
        included += [*other.rows, *other.included]
    rows = [_row(KEY, entry) for entry in record.get("key", [])] + [_row(BONE, entry) for entry in record.get("bone", [])]
    if len(rows) + len(included) > MOST_ROWS:
        raise ValueError(f"it has more than {MOST_ROWS} rows")
    return Mapping(str(record["name"]), tuple(rows), tuple(included), str(record.get("description", "")),
                   tuple(map(str, record.get("sources", []))))


def _row(kind: str, entry: dict) -> Row:
    """One table of the file. Raises ValueError, KeyError or AddonError."""
    widest = (0.0, 1.0) if kind == KEY else (-180.0, 180.0)
    numbers = [float(entry.get(name, default)) for name, default in
               (("gain", 1.0), ("offset", 0.0), ("min", widest[0]), ("max", widest[1]))]
    row = Row(kind, str(entry["source"]), tuple(map(str, entry["names"])), *numbers, str(entry.get("motion", "pitch")),
              str(entry.get("axis", AUTO)), str(entry.get("unless", "")))
    if not all(map(math.isfinite, numbers)) or row.low > row.high:
        raise ValueError(f"the numbers of {row.source} cannot be")
    if row.motion not in MOTIONS or row.axis not in AXES or not row.names:
        raise ValueError(f"{row.source}: motion is one of {', '.join(MOTIONS)}, axis one of {', '.join(AXES)}, names not empty")
    parse_source(row.source)
    return row


def _key_record(row: Row) -> dict:
    return {"source": row.source, "names": list(row.names), "gain": row.gain, "offset": row.offset, "min": row.low, "max": row.high}


def _bone_record(row: Row) -> dict:
    return {**_key_record(row), "motion": row.motion, "axis": row.axis}
