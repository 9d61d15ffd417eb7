"""The consent record: who is shown, on what basis, who says so, when, for what, and until when.

Asked once per portrait, kept inside the `.portrait` file, carried into every output. It is a statement by a person, not a
proof: the program checks that it was made, that the studio's policy allows it and that it has not expired.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Self

from ..errors import InputError, NoRightsError
from .policy import BASES, Policy

LONGEST_FIELD_CHARACTERS = 2000


@dataclass(frozen=True)
class Rights:
    """On what basis a portrait may speak.

    basis: a key of BASES. statement: in words, where the agreement or licence is. subject: who is shown. stated_by: who says
    so; stated_at: when, ISO 8601. scope: what was agreed to. expires: the last day of validity, ISO 8601 date, "" for none.
    """

    basis: str
    statement: str = ""
    subject: str = ""
    stated_by: str = ""
    stated_at: str = ""
    scope: str = ""
    expires: str = ""

    def __post_init__(self) -> None:
        """Raises InputError for an unknown basis, a date that is none, or a field that is too long."""
        if self.basis not in BASES:
            raise InputError(f"Rights on the basis of {self.basis!r} are not known. Known: {', '.join(BASES)}.")
        for name, value in asdict(self).items():
            if not isinstance(value, str) or len(value) > LONGEST_FIELD_CHARACTERS:
                raise InputError(f"The rights' {name!r} must be text of at most {LONGEST_FIELD_CHARACTERS} characters.")
        for name, read in (("expires", datetime.date.fromisoformat), ("stated_at", datetime.datetime.fromisoformat)):
            try:
                read(getattr(self, name) or "2000-01-01")
            except ValueError as error:
                raise InputError(
                    f"The rights' {name!r} is not a date such as 2027-12-31: {getattr(self, name)!r}."
                ) from error

    @classmethod
    def parse(cls, text: str) -> Self:
        """From "BASIS", "BASIS:STATEMENT", or the name of a TOML file with the fields. Raises InputError."""
        if text.lower().endswith(".toml"):
            return cls.from_record(_read_toml(Path(text)))
        basis, _, statement = text.partition(":")
        return cls(basis=basis.strip().lower(), statement=statement.strip())

    @classmethod
    def from_record(cls, record: object) -> Self:
        """From what a job file, a request or a `.portrait` holds: text as for `parse`, or a table. Raises InputError."""
        if isinstance(record, str):
            return cls.parse(record)
        if not isinstance(record, Mapping) or "basis" not in record:
            raise InputError(
                'Rights are written as "BASIS:TEXT", or as a table with basis, statement, subject, stated_by, '
                "stated_at, scope, expires."
            )
        unknown = sorted(set(record) - {item.name for item in fields(cls)})
        if unknown:
            raise InputError(f"Unknown key {unknown[0]!r} in the rights.")
        values = {name: value.isoformat() if isinstance(value, datetime.date) else value for name, value in record.items()}
        return cls(**values)

    def to_record(self) -> dict[str, str]:
        """Plain values; what was not said is left out."""
        return {name: value for name, value in asdict(self).items() if value}

    def stated(self) -> Self:
        """With who says so and when filled in, where they are not yet: this login name, now."""
        return replace(self, stated_by=self.stated_by or _login_name(),
                       stated_at=self.stated_at or datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))

    def summary(self) -> dict[str, str]:
        """What is told with every output: all but who stated it; with a hash that ties it to the whole record."""
        public = {name: value for name, value in self.to_record().items() if name != "stated_by"}
        whole = json.dumps(self.to_record(), sort_keys=True, ensure_ascii=False).encode()
        return public | {"means": BASES[self.basis], "record_sha256": hashlib.sha256(whole).hexdigest()}

    def sentence(self) -> str:
        """For people, in one line."""
        parts = [
            BASES[self.basis],
            f"“{self.statement}”" if self.statement else "",
            f"shown: {self.subject}" if self.subject else "",
            f"for: {self.scope}" if self.scope else "",
            f"until {self.expires}" if self.expires else "",
            f"stated {self.stated_at[:10]}" if self.stated_at else "",
        ]
        return f"{self.basis}: " + "; ".join(part for part in parts if part)


def settled_rights(
    asked: Rights | None, kept: Mapping | None, policy: Policy, *, today: datetime.date | None = None
) -> Rights:
    """The rights a job goes ahead on: those it states, else those in its `.portrait`, else the policy's default.

    Raises NoRightsError when there are none, when the policy does not allow them, or when they have expired.
    """
    if asked:
        rights = asked.stated()
    elif kept:
        rights = Rights.from_record(kept)
    elif policy.default_rights:
        rights = Rights.parse(policy.default_rights).stated()
    else:
        raise NoRightsError(
            "Nothing says on what basis this person may be animated. Add --rights BASIS:TEXT (in a job: rights), with "
            f"BASIS one of {', '.join(BASES)}."
        )
    rights = _with_expiry(rights, policy)
    _check(rights, policy, today or datetime.date.today())
    return rights


def _with_expiry(rights: Rights, policy: Policy) -> Rights:
    if rights.expires or not policy.valid_days:
        return rights
    stated = datetime.date.fromisoformat(rights.stated_at[:10])
    return replace(rights, expires=(stated + datetime.timedelta(days=policy.valid_days)).isoformat())


def _check(rights: Rights, policy: Policy, today: datetime.date) -> None:
    if policy.bases and rights.basis not in policy.bases:
        raise NoRightsError(f"{policy.name} does not allow the basis {rights.basis!r}. Allowed: {', '.join(policy.bases)}.")
    missing = [name for name in policy.required if not getattr(rights, name)]
    if missing:
        raise NoRightsError(
            f"{policy.name} requires that the rights say {', '.join(missing)}. Write them in a TOML file and pass it "
            "as --rights FILE.toml (docs/trust.md), or as a table in the job."
        )
    if rights.expires and datetime.date.fromisoformat(rights.expires) < today:
        raise NoRightsError(
            f"The rights expired on {rights.expires} ({rights.sentence()}). Ask again and state them anew with --rights."
        )


def _read_toml(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is not a readable rights file ({error}).") from error


def _login_name() -> str:
    """As getpass.getuser(), but never from the user database: looking there may ask a name service over a socket."""
    return next((os.environ[name] for name in ("LOGNAME", "USER", "LNAME", "USERNAME") if os.environ.get(name)), "unknown")
