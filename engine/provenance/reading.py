"""What a file's Content Credentials say, and whether they hold. Reads without a network and trusts only what is given
here."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from .claims import claims, frame_hashes, line
from .credentials import FRAMES_LABEL, LARGEST_MANIFEST_BYTES, OFFLINE_SETTINGS, ORIGIN_LABEL
from .keys import certificate_serial, local_certificate
from .policy import Policy

SIGNERS = {
    "local": "this machine's own key",
    "studio": "the studio's certificate",
    "trusted": "a certificate that the policy trusts",
    "unknown": "a key that nobody here vouches for",
}

_UNTRUSTED = "signingCredential.untrusted"
_NO_FAULT = (_UNTRUSTED, "timeStamp.untrusted", "ingredient.unknownProvenance")
"""What C2PA counts as a failure and is told otherwise here: who signed, and that some inputs have no credentials of their
own."""

MOST_NAMED = 20

FAILURES = {
    "assertion.dataHash.mismatch": "the file was changed after it was signed",
    "assertion.bmffHash.mismatch": "picture, sound or their order in the file were changed after it was signed",
    "assertion.boxesHash.mismatch": "the file was changed after it was signed",
    "assertion.hashedURI.mismatch": "what the credentials say was changed after they were signed",
    "assertion.missing": "a part of the credentials was taken out",
    "claimSignature.mismatch": "the signature is not of these credentials: they were changed or forged",
    "signingCredential.expired": "the certificate had expired",
    "claimSignature.outsideValidity": "the signature was made outside the certificate's dates",
    "signingCredential.invalid": "the certificate is not one that may sign",
    "ingredient.manifest.mismatch": "the credentials of something it was made from were changed",
    "ingredient.claimSignature.mismatch": "the signature of something it was made from does not hold",
    "timeStamp.mismatch": "the time stamp is not of this signature",
}


@dataclass(frozen=True)
class Credentials:
    """One file's manifest.

    holds: whether signature and hashes are right. problems: what is wrong, in words. signer: a key of SIGNERS; issuer: what
    the certificate calls itself. claimed: our own statement (see `claims`), empty for other programs. made_with: the program
    named. source_types: last part of the IPTC digital source types. ingredients: what it was made from, by the names given
    there. signed_at: when a time stamp service says it was signed, ISO 8601, "" without one. frames: hex SHA-256 by name,
    for a sidecar.
    """

    holds: bool
    problems: tuple[str, ...]
    signer: str
    issuer: str
    made_with: str
    claimed: dict = field(default_factory=dict)
    source_types: tuple[str, ...] = ()
    ingredients: tuple[str, ...] = ()
    signed_at: str = ""
    frames: dict[str, str] = field(default_factory=dict)


def read_credentials(path: Path, policy: Policy, *, sidecar: Path | None = None) -> Credentials | None:
    """The credentials inside `path`, or in `sidecar` about it; None when there are none (or the format cannot have any)."""
    import c2pa
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    try:
        with path.open("rb") as file, c2pa.Context.from_dict(_settings(policy)) as context:
            reader = _open(c2pa, media_type, file, sidecar, context)
            if reader is None:
                return None
            with reader:
                return _interpreted(json.loads(reader.json()), policy)
    except c2pa.C2paError.NotSupported:
        return None
    except (c2pa.C2paError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        return Credentials(False, (f"the credentials are damaged ({line(str(error), 120)})",), "unknown", "", "")


def _open(c2pa, media_type: str, file: BinaryIO, sidecar: Path | None, context):
    if sidecar:
        if sidecar.stat().st_size > LARGEST_MANIFEST_BYTES:
            raise ValueError("larger than credentials can be")
        return c2pa.Reader(media_type, file, manifest_data=sidecar.read_bytes(), context=context)
    return c2pa.Reader.try_create(media_type, file, context=context)


def _settings(policy: Policy) -> dict:
    anchors = [chain.decode("ascii", "ignore") for chain in (local_certificate(), *_studio_chains(policy)) if chain]
    trust = {"trust": {"user_anchors": "\n".join(anchors)}} if anchors else {}
    return {**OFFLINE_SETTINGS, "verify": {**OFFLINE_SETTINGS["verify"], "verify_trust": True}, **trust}


def _studio_chains(policy: Policy) -> Iterable[bytes]:
    for path in (policy.certificate, policy.trusted):
        if path and path.is_file():
            yield path.read_bytes()


def _interpreted(store: dict, policy: Policy) -> Credentials:
    """What a manifest store says. Whoever wrote the file wrote this too: everything is cleaned before it is kept."""
    manifest = store["manifests"][store["active_manifest"]]
    results = store.get("validation_results", {})
    failures = [
        *results.get("activeManifest", {}).get("failure", []),
        *(
            failure
            for delta in results.get("ingredientDeltas") or []
            for failure in delta["validationDeltas"].get("failure", [])
        ),
    ]
    codes = list(dict.fromkeys(str(failure["code"]) for failure in failures))
    problems = tuple(
        dict.fromkeys(FAILURES.get(code, f"a check failed ({line(code, 80)})") for code in codes if code not in _NO_FAULT)
    )
    said = {str(entry["label"]).split("__")[0]: entry.get("data") for entry in manifest.get("assertions", [])}
    generator = (manifest.get("claim_generator_info") or [{}])[0]
    signature = manifest.get("signature_info") or {}
    holds = not problems and store.get("validation_state") in ("Valid", "Trusted")
    return Credentials(
        holds=holds,
        problems=problems or (() if holds else ("the credentials do not hold",)),
        signer=_signer(signature, trusted=holds and _UNTRUSTED not in codes, policy=policy),
        issuer=line(signature.get("issuer") or signature.get("common_name") or ""),
        signed_at=line(signature.get("time") or "", 40),
        made_with=line(" ".join(str(generator.get(name, "")) for name in ("name", "version")).strip()),
        claimed=claims(said.get(ORIGIN_LABEL)),
        frames=frame_hashes(said.get(FRAMES_LABEL)),
        source_types=_source_types(said),
        ingredients=tuple(line(item.get("title") or "unnamed", 80) for item in manifest.get("ingredients", [])[:MOST_NAMED]),
    )


def _source_types(said: dict) -> tuple[str, ...]:
    actions = next(
        (
            data.get("actions", [])
            for label, data in said.items()
            if label.startswith("c2pa.actions") and isinstance(data, dict)
        ),
        [],
    )
    return tuple(
        dict.fromkeys(
            line(str(action["digitalSourceType"]).rsplit("/", 1)[-1], 80)
            for action in actions[:MOST_NAMED]
            if "digitalSourceType" in action
        )
    )


def _signer(signature: dict, *, trusted: bool, policy: Policy) -> str:
    """Which of SIGNERS; a serial number alone proves nothing, a chain that was checked (`trusted`) does."""
    if not trusted:
        return "unknown"
    serial = str(signature.get("cert_serial_number", ""))
    chains = {"local": local_certificate(),
              "studio": policy.certificate.read_bytes() if policy.certificate and policy.certificate.is_file() else None}
    return next((name for name, chain in chains.items() if chain and certificate_serial(chain) == serial), "trusted")
