"""Credentials for what somebody made with our outputs: a scene's final keeps what the portraits in it carry.

The final's own manifest names every portrait as a part laid into it (C2PA: `c2pa.placed`, `componentOf`), with the
portrait's manifest inside, so that whoever reads the final can go back to picture, voice and consent. The pixels are left as
they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import InputError, OutputError
from ..files import output_error, sha256_of
from ..progress import Progress, silent
from .consent import Rights, settled_rights
from .credentials import SIDECAR_SUFFIX, Origin, sign_file, sign_frames
from .keys import signing_key
from .policy import Policy, load_policy
from .reading import Credentials, read_credentials
from .verify import IMAGE_SUFFIXES, VIDEO_SUFFIXES, frames_in, wrong_frames

SIGNABLE_SUFFIXES = (".avi", ".jpeg", ".jpg", ".m4v", ".mov", ".mp4", ".png", ".tif", ".tiff", ".webp")
"""Finals that can carry a manifest inside (c2pa-python); frame sequences of the picture formats among them get a sidecar."""

MOST_SOURCES = 200


@dataclass(frozen=True)
class Part:
    """One portrait a final shows. name: for people; told: what its credentials, or the scene, say of it; digest: hex SHA-256
    of the file with the credentials; path, sidecar: where they are, None for a rig that carries its rights in the scene
    only."""

    name: str
    told: Mapping
    digest: str
    path: Path | None = None
    sidecar: Path | None = None


def seal_final(final: Path, sources: list[Path], *, stated: Sequence[Mapping] = (), names: Sequence[str] = (),
               progress: Progress = silent) -> dict:
    """Sign `final`, a video, picture or folder of frames, in place (frames: beside) with the portraits that it was made
    with.

    sources: files and frame folders that may carry credentials of ours or others; those that carry none are passed over.
    stated: portraits that no such file shows (rigs), as {"name", "sha256", "rights": record}. names: which files of the
    folder `final` are its frames, in order; its numbered pictures when left out. Returns {"out", "portraits": [...]}.
    Raises InputError when there is nothing to hand on or the policy has credentials off, NoRightsError, OutputError.
    """
    policy = load_policy()
    if not policy.credentials:
        raise InputError(
            f"{policy.name} switches credentials off ({policy.credentials_reason}): there is nothing to seal with."
        )
    parts = [*_parts(sources, policy, progress), *(_stated_part(one, policy) for one in stated)]
    if not parts:
        raise InputError(
            f"Nothing that {final.name} was made with carries credentials or rights: there is nothing to hand on."
        )
    origin = _origin(parts)
    key = signing_key(policy)
    progress("sign", 0, 1)
    if final.is_dir():
        frames = _frames(final, names)
        out = final.with_name(final.name + SIDECAR_SUFFIX)
        sign_frames(final, out, _hashes(frames, progress), origin, key)
    else:
        _check_signable(final)
        out = final
        sign_file(final, final.name, origin, key)
    progress("sign", 1, 1)
    return {"out": str(out), "portraits": [{"name": part.name, "state": part.told.get("state", "")} for part in parts]}


def _parts(sources: list[Path], policy: Policy, progress: Progress) -> list[Part]:
    if len(sources) > MOST_SOURCES:
        raise InputError(f"A final of more than {MOST_SOURCES} sources cannot be sealed at once.")
    found: dict[str, Part] = {}
    for count, source in enumerate(dict.fromkeys(path.resolve() for path in sources)):
        progress("sources", count, len(sources))
        part = _part(source, policy, progress)
        if part:
            found.setdefault(part.digest, part)
    return list(found.values())


def _part(source: Path, policy: Policy, progress: Progress) -> Part | None:
    """What `source` carries; None when that is nothing. A frame of a sequence stands for its sequence."""
    folder = source if source.is_dir() else source.parent
    sidecar = folder.with_name(folder.name + SIDECAR_SUFFIX)
    if sidecar.is_file() and folder.is_dir() and (frames := frames_in(folder)):
        credentials = read_credentials(frames[0], policy, sidecar=sidecar)
        if credentials and wrong_frames(frames, credentials.frames, progress):
            credentials = replace(credentials, holds=False)
        return _credited_part(folder.parent.name or folder.name, credentials, path=frames[0], sidecar=sidecar)
    if not source.is_file() or source.suffix.lower() not in IMAGE_SUFFIXES + VIDEO_SUFFIXES:
        return None
    return _credited_part(source.name, read_credentials(source, policy), path=source)


def _credited_part(name: str, credentials: Credentials | None, *, path: Path, sidecar: Path | None = None) -> Part | None:
    if credentials is None or not credentials.issuer:
        return None
    told = {"name": name, "state": "intact" if credentials.holds else "altered before this final was made",
            "signed_by": credentials.issuer, "made_with": credentials.made_with}
    claimed = {
        key: credentials.claimed[key]
        for key in ("rights", "inputs", "mark", "seed", "portraits")
        if credentials.claimed.get(key)
    }
    return Part(name, told | claimed, sha256_of(sidecar or path), path, sidecar)


def _stated_part(record: Mapping, policy: Policy) -> Part:
    """A rig's: its rights are checked against the policy again. Raises InputError, NoRightsError."""
    digest = record.get("sha256")
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise InputError("A portrait in the scene does not say which picture it was made from. Build its rig again.")
    rights = settled_rights(None, Rights.from_record(record.get("rights")).to_record(), policy)
    name = str(record.get("name", "portrait"))[:200]
    told = {
        "name": name,
        "state": "as the scene says",
        "rights": rights.summary(),
        "inputs": {"portrait": {"sha256": digest}},
    }
    return Part(name, told, digest)


def _origin(parts: list[Part]) -> Origin:
    roles = [f"portrait {number}" for number in range(1, len(parts) + 1)]
    return Origin(rights={}, mark={}, inputs={role: part.digest for role, part in zip(roles, parts, strict=True)},
                  sources={role: part.path for role, part in zip(roles, parts, strict=True) if part.path},
                  sidecars={role: part.sidecar for role, part in zip(roles, parts, strict=True) if part.sidecar},
                  portraits=tuple(part.told for part in parts))


def _frames(folder: Path, names: Sequence[str]) -> list[Path]:
    if names and (missing := [name for name in names if Path(name).name != name or not (folder / name).is_file()]):
        raise InputError(f"{folder} has no frame called {missing[0]}. Render all frames first.")
    frames = [folder / name for name in names] or frames_in(folder)
    if not frames or frames[0].suffix.lower() not in SIGNABLE_SUFFIXES:
        suffixes = [suffix for suffix in SIGNABLE_SUFFIXES if suffix in IMAGE_SUFFIXES]
        raise InputError(f"{folder} holds no numbered frames that can be sealed ({', '.join(suffixes)}).")
    return frames


def _hashes(frames: list[Path], progress: Progress) -> dict[str, str]:
    hashes = {}
    for count, frame in enumerate(frames):
        progress("hash", count, len(frames))
        try:
            hashes[frame.name] = sha256_of(frame)
        except OSError as error:
            raise output_error(frame, error) from error
    return hashes


def _check_signable(final: Path) -> None:
    if not final.is_file():
        raise InputError(f"There is no final at {final}. Render it first.")
    if final.suffix.lower() not in SIGNABLE_SUFFIXES:
        raise OutputError(f"{final.name} cannot carry credentials. Render to one of {', '.join(SIGNABLE_SUFFIXES)}.")
