"""What was found out about a file, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from .policy import BASES
from .reading import SIGNERS, Credentials


def about_credentials(credentials: Credentials | None, mark: str | None, aigc: dict[str, str] | None) -> Iterator[str]:
    """Line by line: what it is, what of, on what basis, who signed and when."""
    if credentials is None:
        yield from _about_no_credentials(mark, aigc)
        return
    portraits = credentials.claimed.get("portraits", [])
    yield f"By its credentials, made with {credentials.made_with or 'an unnamed program'}: {_kind(credentials, portraits)}."
    if inputs := credentials.claimed.get("inputs") if not portraits else None:
        yield (
            "Made from: "
            + ", ".join(f"{role} (SHA-256 {_start(entry.get('sha256'))})" for role, entry in inputs.items())
            + "."
        )
    elif credentials.ingredients and not portraits:
        yield f"Made from: {', '.join(credentials.ingredients)}."
    if rights := credentials.claimed.get("rights"):
        yield "Basis: " + _about_rights(rights)
    for portrait in portraits:
        yield from _about_portrait(portrait)
    if credentials.holds:
        yield f"The signature holds, made with {SIGNERS[credentials.signer]} ({credentials.issuer or 'no name'})" + (
            f", at {credentials.signed_at} by a time stamp service." if credentials.signed_at else ".")


def about_mark(credentials: Credentials | None, mark: str | None) -> str:
    """One line: there, left out and why, or missing."""
    if mark:
        return f"The mark is there: number {mark}."
    claimed = credentials.claimed if credentials else {}
    if off := claimed.get("mark", {}).get("off"):
        return f"It was made without the mark: {off}."
    if claimed.get("mark"):
        return "No mark was found, although one was put in."
    return "No mark was found."


def about_aigc(credentials: Credentials | None, aigc: dict[str, str] | None) -> str:
    """One line on the metadata field of GB 45438-2025; nothing where nobody would expect it."""
    if aigc:
        label = {"1": "made by a machine", "2": "perhaps made by a machine", "3": "suspected to be made by a machine"}
        return (f"The metadata field AIGC says: {label.get(aigc.get('Label', ''), 'no known value')}"
                + (f", by {aigc['ContentProducer']}" if aigc.get("ContentProducer") else "") + ".")
    off = credentials.claimed.get("aigc", {}).get("off") if credentials else None
    return f"The metadata field AIGC was left out: {off}." if off else ""


def _about_no_credentials(mark: str | None, aigc: dict[str, str] | None) -> Iterator[str]:
    if mark:
        yield "It was made with Soliloquy: the mark is in the picture. Its credentials were taken off, or lost in editing."
    elif aigc:
        yield "It carries no Content Credentials and no mark of Soliloquy, but a note that it was made by a machine."
    else:
        yield "It carries no Content Credentials and no mark of Soliloquy. That says nothing about whether it is real."


def _kind(credentials: Credentials, portraits: list[dict]) -> str:
    if portraits:
        return f"a scene with {len(portraits)} animated portrait{'s' if len(portraits) > 1 else ''} in it"
    if credentials.claimed:
        return "a moving picture made from a portrait, in part by trained algorithms"
    return ", ".join(credentials.source_types) or "of a kind its credentials do not name"


def _about_portrait(portrait: dict) -> Iterator[str]:
    inputs = ", ".join(
        f"{role} (SHA-256 {_start(entry.get('sha256'))})" for role, entry in portrait.get("inputs", {}).items()
    )
    basis = _about_rights(portrait["rights"]) if portrait.get("rights") else "not stated."
    state = portrait.get("state")
    yield (
        f"Shows {portrait.get('name', 'a portrait')}"
        + (f", {state}" if state else "")
        + (f", made from {inputs}" if inputs else "")
        + f". Basis: {basis}"
    )
    for inner in portrait.get("portraits", []):
        yield from _about_portrait(inner)


def _about_rights(rights: dict) -> str:
    said = [f"{rights.get('basis')} ({BASES.get(str(rights.get('basis')), 'unknown')})"]
    said += [
        f"{label} {rights[name]}"
        for name, label in (("statement", "stated:"), ("subject", "shown:"), ("scope", "for:"), ("expires", "until"))
        if rights.get(name)
    ]
    return "; ".join(said) + "."


def _start(digest: object) -> str:
    return f"{str(digest or '?')[:16]}..."
