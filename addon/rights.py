"""On what basis a person may be animated. The person at the machine says it, once for each portrait; the add-on never
chooses for them.

The bases are those of `engine/provenance/policy.py` (a test holds the two together).
"""

from __future__ import annotations

import datetime

import bpy

NOT_SAID, POLICY = "NOT_SAID", "POLICY"
"""Nothing chosen yet; and: what the studio's policy says by default."""

BASES = {
    "self": "The person shown made it",
    "consent": "The person shown agreed in writing",
    "public-domain": "A picture in the public domain, of a historical or public person",
    "fictional": "Nobody real is shown: drawn, or made by a machine",
    "licensed": "Used under a licence that covers it",
}

ITEMS = [(NOT_SAID, "Not said yet", "Choose one. A .portrait file that holds its rights needs no choice"),
         *((basis, basis.replace("-", " ").title(), meaning) for basis, meaning in BASES.items()),
         (POLICY, "Studio's Default", "What the studio's policy says when nothing else is said")]

FIELDS = {"statement": "rights_statement", "subject": "rights_subject", "scope": "rights_scope", "expires": "rights_expires"}
"""Field of the record -> the setting that holds it."""


def to_be_said(basis: str, picture: str) -> str:
    """Why nothing can be made yet, "" when it can: a picture needs a basis, a `.portrait` may hold its own."""
    if basis == NOT_SAID and not picture.lower().endswith(".portrait"):
        return "Say on what basis this person may be animated"
    return ""


def wrong_date(text: str) -> str:
    """What is wrong with a last day of validity as it was typed, "" when nothing is."""
    try:
        ends = datetime.date.fromisoformat(text.strip() or "9999-12-31")
    except ValueError:
        return f"Write the last day as 2027-12-31, not as {text.strip()!r}"
    return "" if ends >= datetime.date.today() else f"That ended on {ends}: ask the person again"


def for_job(settings: bpy.types.PropertyGroup) -> dict[str, str] | None:
    """The job's `rights`: None leaves it to the portrait or to the studio's policy."""
    if settings.rights not in BASES:
        return None
    said = {field: getattr(settings, name).strip() for field, name in FIELDS.items()}
    return {"basis": settings.rights, **{field: text for field, text in said.items() if text}}


def summary(settings: bpy.types.PropertyGroup) -> str:
    """What was said, in a line for the panel."""
    if settings.rights == POLICY:
        return "As the studio's policy says"
    if settings.rights == NOT_SAID:
        return "As the .portrait says" if settings.picture.lower().endswith(".portrait") else "Not said yet"
    said = for_job(settings)
    details = [
        text
        for text in (said.get("subject"), said.get("statement"), f"until {said['expires']}" if "expires" in said else "")
        if text
    ]
    return ": ".join([BASES[settings.rights], ", ".join(details)] if details else [BASES[settings.rights]])


def in_short(settings: bpy.types.PropertyGroup) -> str:
    """The same for a button: the basis, and who."""
    if settings.rights in BASES:
        return ", ".join(filter(None, (settings.rights.replace("-", " ").title(), settings.rights_subject)))
    return summary(settings)


def recall(settings: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    """Another picture was chosen: what was said of it before is said again, and what was said of another person is not."""
    known = next((entry for entry in settings.rights_said if entry.picture == settings.picture), None)
    settings.rights = known.basis if known else NOT_SAID
    for field, name in FIELDS.items():
        setattr(settings, name, getattr(known, field) if known else "")


def remember(settings: bpy.types.PropertyGroup) -> None:
    """Keep what the settings say of their picture, in the .blend."""
    entry = (
        next((entry for entry in settings.rights_said if entry.picture == settings.picture), None)
        or settings.rights_said.add()
    )
    entry.picture, entry.basis = settings.picture, settings.rights
    for field, name in FIELDS.items():
        setattr(entry, field, getattr(settings, name))


def draw(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    """What was said about the picture's person, and the button to say it."""
    halves = layout.split(factor=0.4, align=True)
    title = halves.row()
    title.alignment = "RIGHT"
    title.label(text="Rights")
    row = halves.row(align=True)
    said = not to_be_said(settings.rights, settings.picture)
    row.operator("soliloquy.state_rights", text=in_short(settings), icon="CHECKMARK" if said else "USER")
