"""On what basis a person may be animated. The person at the machine says it; the add-on never chooses for them.

The bases are those of `engine/provenance/policy.py` (a test holds the two together).
"""

from __future__ import annotations

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


def to_be_said(basis: str, picture: str) -> str:
    """Why nothing can be made yet, "" when it can: a picture needs a basis, a `.portrait` may hold its own."""
    if basis == NOT_SAID and not picture.lower().endswith(".portrait"):
        return "Say on what basis this person may be animated"
    return ""


def for_job(basis: str, statement: str) -> dict[str, str] | None:
    """The job's `rights`: None leaves it to the portrait or to the studio's policy."""
    if basis not in BASES:
        return None
    return {"basis": basis, **({"statement": statement.strip()} if statement.strip() else {})}
