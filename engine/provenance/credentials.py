"""Content Credentials: signed C2PA manifests in videos and images, and beside frame sequences.

A manifest says that the file is a composite with machine-made parts, from which picture and voice (by hash), on what basis
the person is shown, and with which program; its signature covers the file's bytes. Nothing is fetched and nothing is sent,
unless the policy names a time stamp service (RFC 3161): without its stamp a signature holds as long as its certificate.

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
LARGEST_MANIFEST_BYTES = 64 << 20
"""An hour of frames at 25 a second takes 10 MiB."""

OFFLINE_SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}
"""No pictures of the person inside the manifest, no look-ups."""


@dataclass(frozen=True)
class Origin:
    """What the outputs of one job, or a scene's final, were made from.

    rights: `Rights.summary()`. inputs: by role ("portrait", "voice"): the hex SHA-256. sources: by role: the file, where it
    is at hand; its own credentials become part of ours. sidecars: by role: the file beside the source that holds them. mark:
    {"number": "1a2b3c4d"} or {"off": why}. aigc: {"off": why} when outputs lack that field. seed: of the take. portraits: of
    a scene, what is known of each that it shows; there are none of these but in a final.
    """

    rights: Mapping[str, str]
    inputs: Mapping[str, str]
    mark: Mapping[str, str]
    seed: int | None = None
    sources: Mapping[str, Path] = field(default_factory=dict)
    sidecars: Mapping[str, Path] = field(default_factory=dict)
    aigc: Mapping[str, str] = field(default_factory=dict)
    portraits: tuple[Mapping, ...] = ()

    @property
    def relationship(self) -> str:
        """C2PA's word for what the inputs are: material for what was generated, or parts laid into a picture."""
        return "componentOf" if self.portraits else "inputTo"

    def told(self) -> dict:
        """Plain values for the manifest; what does not apply is left out."""
        told = {
            "rights": dict(self.rights),
            "inputs": {role: {"sha256": digest} for role, digest in self.inputs.items()},
            "mark": dict(self.mark),
            "seed": self.seed,
            "aigc": dict(self.aigc),
            "portraits": [dict(one) for one in self.portraits],
        }
        return {name: value for name, value in told.items() if value not in ({}, [], None)}


def sign_file(path: Path, title: str, origin: Origin, key: SigningKey) -> None:
    """Put a manifest into the video or image at `path`, in place. Raises OutputError."""
    signed = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        _sign(path, signed, _manifest(title, origin, key), origin, key, embed=True)
        os.replace(signed, path)
    finally:
        signed.unlink(missing_ok=True)


def sign_frames(folder: Path, sidecar: Path, hashes: Mapping[str, str], origin: Origin, key: SigningKey) -> None:
    """Write the manifest of a frame sequence to `sidecar`: bound to its first frame, with the SHA-256 of all, by name.
    Raises OutputError."""
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
        authority = key.time_authority.encode() or None
        signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(key.algorithm.encode(), key.certificates, key.key, authority))
        with (
            c2pa.Context.from_dict(OFFLINE_SETTINGS) as context,
            c2pa.Builder(json.dumps(definition), context=context) as builder,
            signer,
        ):
            for role, digest in origin.inputs.items():
                _add_ingredient(builder, origin, role, digest)
            if not embed:
                builder.set_no_embed()
            return builder.sign_file(str(source), str(target), signer)
    except c2pa.C2paError as error:
        raise OutputError(
            f"{source.name} could not be signed ({str(error).splitlines()[0]}). Check certificate, key and time stamp "
            "service in the policy, or the local key's folder."
        ) from error


def _add_ingredient(builder, origin: Origin, role: str, digest: str) -> None:
    """Name an input by its hash; with the file's own credentials, where it has some that can be read."""
    ingredient = {"title": role, "relationship": origin.relationship, "instance_id": f"sha256:{digest}", "label": role}
    source, sidecar = origin.sources.get(role), origin.sidecars.get(role)
    media_type = mimetypes.guess_type(source.name)[0] if source else None
    if sidecar:
        manifest = _bounded(sidecar)
        identifier = f"{role}{SIDECAR_SUFFIX}"
        builder.add_resource(identifier, io.BytesIO(manifest))
        ingredient |= _state_of(source, media_type, manifest) | {
            "manifest_data": {"format": "application/c2pa", "identifier": identifier}
        }
        builder.add_ingredient(
            json.dumps(ingredient | {"format": media_type}), "application/octet-stream", io.BytesIO(manifest)
        )
    elif media_type in _signable_types() and has_credentials(source):
        with source.open("rb") as file:
            builder.add_ingredient(json.dumps(ingredient), media_type, file)
    else:
        builder.add_ingredient(json.dumps(ingredient), "application/octet-stream", io.BytesIO(digest.encode()))


def _state_of(source: Path, media_type: str, manifest: bytes) -> dict:
    """What C2PA wants to be told of an ingredient whose manifest comes apart from it: which one, and whether it held."""
    import c2pa
    with c2pa.Context.from_dict(OFFLINE_SETTINGS) as context, source.open("rb") as file:
        with c2pa.Reader(media_type, file, manifest_data=manifest, context=context) as reader:
            store = json.loads(reader.json())
    return {"active_manifest": store["active_manifest"], "validation_results": store["validation_results"]}


def _bounded(sidecar: Path) -> bytes:
    """The manifest in `sidecar`. Raises OutputError when it is larger than one of ours could be."""
    if sidecar.stat().st_size > LARGEST_MANIFEST_BYTES:
        raise OutputError(f"{sidecar} is larger than credentials can be.")
    return sidecar.read_bytes()


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
    actions = [{"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE, "softwareAgent": agent}]
    if origin.portraits:
        actions += [{"action": "c2pa.placed", "parameters": {"ingredientIds": [role]}} for role in origin.inputs]
    told = origin.told() | {"signed_with": "local key, vouched for by nobody" if key.is_local else "studio certificate"}
    return {"claim_generator_info": [agent], "title": title, "assertions": [
        {"label": "c2pa.actions.v2", "data": {"actions": actions}},
        {"label": ORIGIN_LABEL, "data": told},
    ]}
