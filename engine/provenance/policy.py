"""The studio's policy: which rights it accepts, and whether marks and credentials are made. A TOML file; without one, the
defaults.

Found through SOLILOQUY_POLICY, else `policy.toml` in the person's configuration folder. docs/trust.md has a commented
example.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ..errors import InputError

FILE_VARIABLE = "SOLILOQUY_POLICY"
"""Environment variable that names the policy file."""

BASES = {
    "self": "the person shown made it",
    "consent": "the person shown agreed in writing",
    "public-domain": "a picture in the public domain, of a historical or public person",
    "fictional": "nobody real is shown: drawn, or made by a machine",
    "licensed": "used under a licence that covers it",
}
"""What a portrait may be used on, and how that is said to people."""

RIGHTS_FIELDS = ("statement", "subject", "stated_by", "scope", "expires")


PLACES = ("top-left", "top-right", "bottom-left", "bottom-right")
SHAPES = ("bug", "slate", "end-card")
"""A line in a corner; a full-frame card before the clip; one after it."""
LONGEST_LABEL_S = 3600


@dataclass(frozen=True)
class LabelPolicy:
    """The visible label; nobody gets one unless text or language is given.

    text: the words of the bug and the heading of the cards; language: a key of label.WORDS instead. shapes: of SHAPES.
    place: the bug's corner; seconds: how long it stays from the start, 0 for throughout. card_seconds: how long a card
    stands. lines: what the cards say further. font: a TrueType file. layer: the label lies beside the outputs as transparent
    pictures instead of in them.
    """

    text: str = ""
    language: str = ""
    shapes: tuple[str, ...] = ("bug",)
    place: str = "bottom-left"
    seconds: float = 0.0
    card_seconds: float = 2.0
    lines: tuple[str, ...] = ()
    font: Path | None = None
    layer: bool = False


@dataclass(frozen=True)
class Policy:
    """What a studio has decided.

    name: how messages call it. required: fields of the rights that must be filled in. bases: the allowed ones, empty for
    all. default_rights: used when neither job nor portrait states any. valid_days: rights that name no last day end so many
    days after they were stated; 0 for never. label_text, or label_language: the visible label; label_place: a corner;
    label_seconds: how long from the start, 0 for throughout; label_font: a TrueType file. mark, credentials: whether outputs
    get the invisible mark and Content Credentials; where one is switched off, `mark_reason` / `credentials_reason` say why,
    and outputs carry that. certificate, key: PEM files of the studio's signing certificate (chain, leaf first) and key;
    algorithm: es256, es384, es512, ps256, ps384, ps512 or ed25519. trusted: PEM file of certificates whose signatures
    `verify` accepts too; where one is given, or the studio's own, unknown signers count as forgers.
    """

    name: str = "The policy"
    required: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    default_rights: str = ""
    valid_days: int = 0
    mark: bool = True
    mark_reason: str = ""
    credentials: bool = True
    credentials_reason: str = ""
    certificate: Path | None = None
    key: Path | None = None
    algorithm: str = "es256"
    trusted: Path | None = None
    time_authority: str = ""
    aigc: bool = True
    aigc_reason: str = ""
    producer: str = "Soliloquy"
    label: LabelPolicy = LabelPolicy()


_LAYOUT = {
    "rights": {"required": list, "bases": list, "default": str, "valid_days": int},
    "mark": {"on": bool, "reason": str},
    "credentials": {
        "on": bool,
        "reason": str,
        "certificate": str,
        "key": str,
        "algorithm": str,
        "trusted": str,
        "time_authority": str,
    },
    "aigc": {"on": bool, "reason": str, "producer": str},
    "label": {
        "text": str,
        "language": str,
        "shapes": list,
        "place": str,
        "seconds": (int, float),
        "card_seconds": (int, float),
        "lines": list,
        "font": str,
        "layer": bool,
    },
}


def policy_path() -> Path:
    """Where the policy is looked for."""
    chosen = os.environ.get(FILE_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_config_dir("soliloquy", appauthor=False)) / "policy.toml"


def load_policy() -> Policy:
    """The policy in force. Raises InputError when the file is named but missing, or says something that cannot be."""
    path = policy_path()
    if not path.is_file():
        if os.environ.get(FILE_VARIABLE):
            raise InputError(f"There is no policy at {path}, which {FILE_VARIABLE} names.")
        return Policy()
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is not a readable policy ({error}).") from error
    return _from_record(record, path)


def _from_record(record: dict, path: Path) -> Policy:
    sections = {name: _section(record, name, path) for name in _LAYOUT}
    rights, mark, credentials, aigc = (sections[name] for name in ("rights", "mark", "credentials", "aigc"))
    for name, section in (("mark", mark), ("credentials", credentials), ("aigc", aigc)):
        if not section.get("on", True) and not section.get("reason", "").strip():
            raise InputError(f"{path} switches [{name}] off without a reason. Add reason = \"...\"; outputs will carry it.")
    if ("certificate" in credentials) != ("key" in credentials):
        raise InputError(f"{path}: [credentials] needs both certificate and key, or neither.")
    required = tuple(rights.get("required", ()))
    if unknown := [name for name in required if name not in RIGHTS_FIELDS]:
        raise InputError(f"{path}: rights cannot be required to say {unknown[0]!r}. Known: {', '.join(RIGHTS_FIELDS)}.")
    bases = tuple(rights.get("bases", ()))
    if unknown := [name for name in bases if name not in BASES]:
        raise InputError(f"{path}: unknown basis {unknown[0]!r}. Known: {', '.join(BASES)}.")
    authority = credentials.get("time_authority", "")
    if authority and not authority.startswith(("http://", "https://")):
        raise InputError(f"{path}: time_authority is the address of a service, such as http://timestamp.example.org.")
    return Policy(
        name=f"The policy {path.name}", required=required, bases=bases,
        default_rights=rights.get("default", ""), valid_days=rights.get("valid_days", 0),
        mark=mark.get("on", True), mark_reason=mark.get("reason", ""),
        credentials=credentials.get("on", True), credentials_reason=credentials.get("reason", ""),
        certificate=path.parent / credentials["certificate"] if "certificate" in credentials else None,
        key=path.parent / credentials["key"] if "key" in credentials else None,
        algorithm=credentials.get("algorithm", "es256"),
        trusted=path.parent / credentials["trusted"] if "trusted" in credentials else None, time_authority=authority,
        aigc=aigc.get("on", True), aigc_reason=aigc.get("reason", ""), producer=aigc.get("producer", Policy.producer),
        label=_label_policy(sections["label"], path),
    )


def _label_policy(section: dict, path: Path) -> LabelPolicy:
    values = {
        name: tuple(str(entry) for entry in value) if isinstance(value, list) else value for name, value in section.items()
    }
    if "font" in values:
        values["font"] = path.parent / values["font"]
    label = LabelPolicy(**values)
    if label.place not in PLACES:
        raise InputError(f"{path}: the label's place is one of {', '.join(PLACES)}.")
    if not set(label.shapes) <= set(SHAPES):
        raise InputError(f"{path}: the label's shapes are of {', '.join(SHAPES)}.")
    if not 0 <= label.seconds <= LONGEST_LABEL_S or not 0 < label.card_seconds <= LONGEST_LABEL_S:
        raise InputError(
            f"{path}: the label's times are at most {LONGEST_LABEL_S} seconds, and a card stands for more than none."
        )
    return label


def _section(record: dict, name: str, path: Path) -> dict:
    """The table `name`, its keys and types checked: a misspelt key must not switch a safeguard off, or leave it on,
    unnoticed."""
    unknown = sorted(set(record) - set(_LAYOUT) - {"format_version"})
    section = record.get(name, {})
    if unknown or not isinstance(section, dict):
        raise InputError(f"{path}: unknown section {(unknown or [name])[0]!r}. Known: {', '.join(_LAYOUT)}.")
    for key, value in section.items():
        kind = _LAYOUT[name].get(key)
        if kind is None:
            raise InputError(f"{path}: unknown key {key!r} in [{name}]. Known: {', '.join(_LAYOUT[name])}.")
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise InputError(f"{path}: {key!r} in [{name}] cannot be {value!r}.")
    return section
