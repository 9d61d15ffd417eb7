"""Content Credentials: signed C2PA manifests in videos and images, and beside frame sequences.

A manifest says that the file is a composite with machine-made parts, from which picture and voice (by hash), on what basis the person
is shown, and with which program; its signature covers the file's bytes. Nothing is fetched and nothing is sent: there is no time stamp
from an authority, so that a signature holds as long as its certificate.

C2PA specification 2.1; IPTC NewsCodes "digitalsourcetype".
"""

from __future__ import annotations

import io
import json
import mimetypes
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import __version__
from ..errors import OutputError
from .keys import SigningKey

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC: real media put together with elements that a trained algorithm made."""

ORIGIN_LABEL, FRAMES_LABEL = "org.soliloquy.origin", "org.soliloquy.frames"

SIDECAR_SUFFIX = ".c2pa"

OFFLINE_SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}
"""No pictures of the person inside the manifest, no look-ups."""


@dataclass(frozen=True)
class Origin:
    """What the outputs of one job were made from.

    rights: `Rights.summary()`. inputs: by role ("portrait", "voice"): the hex SHA-256. sources: by role: the file, where it is at hand; its
    own credentials become part of ours. mark: {"number": "1a2b3c4d"} or {"off": why}. seed: of the take.
    """

    rights: Mapping[str, str]
    inputs: Mapping[str, str]
    mark: Mapping[str, str]
    seed: int | None = None
    sources: Mapping[str, Path] = field(default_factory=dict)


def sign_file(path: Path, title: str, origin: Origin, key: SigningKey) -> None:
    """Put a manifest into the video or image at `path`, in place. Raises OutputError."""
    signed = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        _sign(path, signed, _manifest(title, origin, key), origin, key, embed=True)
        os.replace(signed, path)
    finally:
        signed.unlink(missing_ok=True)


def sign_frames(folder: Path, sidecar: Path, hashes: Mapping[str, str], origin: Origin, key: SigningKey) -> None:
    """Write the manifest of a frame sequence to `sidecar`: bound to its first frame, with the SHA-256 of all, by name. Raises OutputError."""
    definition = _manifest("frames", origin, key)
    definition["assertions"].append({"label": FRAMES_LABEL, "data": {"sha256": dict(hashes)}})
    first = folder / next(iter(hashes))
    scratch = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}{first.suffix}")
    temporary = sidecar.with_name(f".{sidecar.stem}.{uuid.uuid4().hex[:8]}{sidecar.suffix}")
    try:
        temporary.write_bytes(_sign(first, scratch, definition, origin, key, embed=False))
        os.replace(temporary, sidecar)
    except OSError as error:
        raise OutputError(f"The credentials {sidecar} could not be written: {error.strerror}.") from error
    finally:
        scratch.unlink(missing_ok=True)
        temporary.unlink(missing_ok=True)


def _sign(source: Path, target: Path, definition: dict, origin: Origin, key: SigningKey, *, embed: bool) -> bytes:
    """Sign a copy of `source` at `target`; returns the manifest."""
    import c2pa
    try:
        signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(key.algorithm.encode(), key.certificates, key.key, None))
        with c2pa.Context.from_dict(OFFLINE_SETTINGS) as context, c2pa.Builder(json.dumps(definition), context=context) as builder, signer:
            for role, digest in origin.inputs.items():
                _add_ingredient(builder, role, digest, origin.sources.get(role))
            if not embed:
                builder.set_no_embed()
            return builder.sign_file(str(source), str(target), signer)
    except c2pa.C2paError as error:
        raise OutputError(f"{source.name} could not be signed ({error}). Check certificate and key in the policy, or the local key's "
                          "folder.") from error


def _add_ingredient(builder, role: str, digest: str, source: Path | None) -> None:
    """Name an input by its hash; with the file's own credentials, where it has some that can be read."""
    ingredient = {"title": role, "relationship": "inputTo", "instance_id": f"sha256:{digest}"}
    media_type = mimetypes.guess_type(source.name)[0] if source else None
    if media_type in _signable_types() and has_credentials(source):
        with source.open("rb") as file:
            builder.add_ingredient(json.dumps(ingredient), media_type, file)
    else:
        builder.add_ingredient(json.dumps(ingredient), "application/octet-stream", io.BytesIO(digest.encode()))


def has_credentials(path: Path) -> bool:
    """Whether the file holds a manifest, good or bad."""
    import c2pa
    try:
        with c2pa.Context.from_dict(OFFLINE_SETTINGS) as context:
            return c2pa.Reader.try_create(str(path), context=context) is not None
    except c2pa.C2paError:
        return False


def _signable_types() -> list[str]:
    import c2pa
    return c2pa.Builder.get_supported_mime_types()


def _manifest(title: str, origin: Origin, key: SigningKey) -> dict:
    """The manifest's definition, as c2pa-python takes it."""
    agent = {"name": "Soliloquy", "version": __version__}
    action = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE, "softwareAgent": agent}
    told = {"rights": dict(origin.rights), "inputs": {role: {"sha256": digest} for role, digest in origin.inputs.items()},
            "mark": dict(origin.mark), "seed": origin.seed,
            "signed_with": "local key, vouched for by nobody" if key.is_local else "studio certificate"}
    return {"claim_generator_info": [agent], "title": title, "assertions": [
        {"label": "c2pa.actions.v2", "data": {"actions": [action]}},
        {"label": ORIGIN_LABEL, "data": told},
    ]}
