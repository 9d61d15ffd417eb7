"""Whose key signs: the studio's, when the policy names one; else a key of this machine's own, made on first use.

A C2PA signing certificate must be issued by another one (C2PA specification 2.1, section 14.5), so that the local one gets
an issuer of its own, whose key is forgotten as soon as it has signed. Nobody vouches for a local key: it proves that a file
is unchanged since it was made here, not who made it.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from ..errors import InputError, OutputError
from ..files import whole_file
from .policy import Policy

FOLDER_VARIABLE = "SOLILOQUY_KEYS"
"""Environment variable that names the folder of the local signing key."""

LOCAL_ORGANISATION = "Soliloquy, unverified local key"
VALID_YEARS = 10

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class SigningKey:
    """certificates: PEM chain, leaf first; key: PEM; algorithm: C2PA's name for it; is_local: made here, vouched for by
    nobody; time_authority: address of the service that dates each signature, "" for none."""

    certificates: bytes
    key: bytes
    algorithm: str
    is_local: bool
    time_authority: str = ""


def keys_folder() -> Path:
    """Where the local key is kept."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("soliloquy", appauthor=False)) / "signing"


def signing_key(policy: Policy) -> SigningKey:
    """The studio's key, or the local one. Raises InputError when the policy's files cannot be read, OutputError when no key
    can be kept."""
    if policy.certificate and policy.key:
        try:
            return SigningKey(policy.certificate.read_bytes(), policy.key.read_bytes(), policy.algorithm, is_local=False,
                              time_authority=policy.time_authority)
        except OSError as error:
            raise InputError(f"{policy.name}: the signing certificate or key cannot be read ({error}).") from error
    return replace(local_key(keys_folder()), time_authority=policy.time_authority)


def local_key(folder: Path) -> SigningKey:
    """The key in `folder`, made there when there is none or it has expired. Certificate and key lie in one file, written
    whole."""
    path = folder / "local.pem"
    if not path.is_file() or _expires(path.read_bytes()) < datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30):
        with whole_file(path) as temporary:
            _write_private(temporary, _new_key_and_chain())
    text = path.read_bytes()
    start = text.index(_CERTIFICATE)
    return SigningKey(certificates=text[start:], key=text[:start], algorithm="es256", is_local=True)


def local_certificate() -> bytes | None:
    """The local certificate chain as PEM, or None when there is none yet; makes nothing."""
    path = keys_folder() / "local.pem"
    if not path.is_file():
        return None
    text = path.read_bytes()
    return text[text.index(_CERTIFICATE):]


def certificate_serial(chain: bytes) -> str:
    """Serial number of the leaf of a PEM chain, decimal."""
    from cryptography import x509
    return str(x509.load_pem_x509_certificates(chain)[0].serial_number)


def _write_private(path: Path, content: bytes) -> None:
    """Write a file only this person can read, from its first byte on."""
    try:
        path.parent.chmod(0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        raise OutputError(
            f"The signing key cannot be kept in {path.parent}: {error.strerror}. Set {FOLDER_VARIABLE} to a folder "
            "you may write to."
        ) from error


def _expires(text: bytes) -> datetime.datetime:
    from cryptography import x509
    return x509.load_pem_x509_certificates(text)[0].not_valid_after_utc


def _new_key_and_chain() -> bytes:
    """PEM: a new P-256 key, its certificate, and the certificate of the issuer made for it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    issuer_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _certificate("issuer", issuer_key.public_key(), signed_by=issuer_key)
    leaf = _certificate("signer", key.public_key(), signed_by=issuer_key, issuer=issuer)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + leaf.public_bytes(pem) + issuer.public_bytes(pem)


def _certificate(role: str, public_key, *, signed_by, issuer=None):
    """An X.509 certificate as C2PA's profile asks: of an issuer when `issuer` is None, else of a signer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, LOCAL_ORGANISATION),
                      x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Soliloquy local {role}")])
    now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)  # clocks differ
    is_issuer = issuer is None
    usage = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    usage["key_cert_sign" if is_issuer else "digital_signature"] = True
    builder = (x509.CertificateBuilder().subject_name(name).issuer_name(name if is_issuer else issuer.subject)
               .public_key(public_key).serial_number(x509.random_serial_number())
               .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=365 * VALID_YEARS))
               .add_extension(x509.BasicConstraints(ca=is_issuer, path_length=0 if is_issuer else None), critical=True)
               .add_extension(x509.KeyUsage(**usage), critical=True)
               .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()), critical=False))
    if not is_issuer:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(signed_by, hashes.SHA256())
