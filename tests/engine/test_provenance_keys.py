"""Whose key signs: the local one is private and told as such, a studio's is tried before the work, forgers are told
apart."""

from __future__ import annotations

import json
import shutil
import stat

import cv2
import pytest

from soliloquy.engine.errors import InputError, OutputError
from soliloquy.engine.files import sha256_of
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.provenance.consent import Rights
from soliloquy.engine.provenance.credentials import Origin, sign_file
from soliloquy.engine.provenance.keys import FOLDER_VARIABLE, local_key
from soliloquy.engine.provenance.mark import Marker
from soliloquy.engine.provenance.policy import FILE_VARIABLE, Policy, load_policy
from soliloquy.engine.provenance.reading import read_credentials
from soliloquy.engine.provenance.seal import Seal
from soliloquy.engine.provenance.verify import ALTERED, INTACT, verify


def test_the_local_key_is_private_kept_and_not_everybodys(tmp_path):
    first = local_key(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a" / "local.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert local_key(tmp_path / "a") == first and local_key(tmp_path / "b").key != first.key
    assert first.key.count(b"PRIVATE KEY") == 2 and b"PRIVATE" not in first.certificates, "the issuer's key is forgotten"


def test_forged_credentials_are_told_apart_by_their_signer(astronaut_path, tmp_path, monkeypatch):
    """Anybody can sign; only a machine that knows whose certificate to expect can tell."""
    forged, clean = tmp_path / "forged.png", tmp_path / "clean.png"
    for path in (forged, clean):
        cv2.imwrite(str(path), Marker(0x1a2b3c4d).apply(cv2.imread(str(astronaut_path))))
    origin = Origin({"basis": "self"}, {"portrait": "00" * 32}, {"number": "1a2b3c4d"})
    sign_file(forged, "forged", origin, local_key(tmp_path / "forger"))
    (finding,) = verify(forged)
    assert (
        finding.status == INTACT and finding.credentials.signer == "unknown" and "nobody here vouches for" in finding.text()
    )
    studio = local_key(tmp_path / "studio")
    (tmp_path / "chain.pem").write_bytes(studio.certificates)
    (tmp_path / "key.pem").write_bytes(studio.key)
    (tmp_path / "policy.toml").write_text('[credentials]\ncertificate = "chain.pem"\nkey = "key.pem"\n')
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "policy.toml"))
    assert verify(forged)[0].status == ALTERED
    ours = Seal(load_policy(), Rights("self").stated(), clip=MotionClip.neutral(3), inputs=origin.inputs, sources={})
    ours.sign_file(clean, "frame")
    found = read_credentials(clean, load_policy())
    assert found.holds and found.signer == "studio" and found.claimed["signed_with"] == "studio certificate"
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "trusting.toml"))
    (tmp_path / "trusting.toml").write_text('[credentials]\ntrusted = "chain.pem"\n')
    assert read_credentials(clean, load_policy()).signer == "trusted"


def test_credentials_of_the_picture_stay_part_of_ours(tmp_path, astronaut_path):
    """A picture that says it was made by a machine goes on saying so."""
    key = local_key(tmp_path / "keys")
    picture, video = tmp_path / "picture.png", tmp_path / "frame.png"
    shutil.copy(astronaut_path, picture)
    sign_file(picture, "picture", Origin({"basis": "fictional"}, {}, {}), key)
    shutil.copy(astronaut_path, video)
    sign_file(
        video,
        "frame",
        Origin({"basis": "fictional"}, {"portrait": sha256_of(picture)}, {}, sources={"portrait": picture}),
        key,
    )
    import c2pa
    with c2pa.Reader(str(video)) as reader:
        assert len(json.loads(reader.json())["manifests"]) == 2


def test_switched_off_only_with_a_reason_that_is_told(tmp_path, monkeypatch, astronaut_path):
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "policy.toml"))
    (tmp_path / "policy.toml").write_text('[mark]\non = false\nreason = "plates go to a grading suite"\n')
    seal = Seal(load_policy(), Rights("self").stated(), clip=MotionClip.neutral(1), inputs={}, sources={})
    frame = cv2.imread(str(astronaut_path))
    assert seal.mark(frame) is frame and seal.record()["mark"] == {"off": "plates go to a grading suite"}
    cv2.imwrite(str(tmp_path / "a.png"), frame)
    seal.sign_file(tmp_path / "a.png", "a")
    assert "grading suite" in verify(tmp_path / "a.png")[0].text()
    (tmp_path / "policy.toml").write_text('[credentials]\non = false\nreason = "signed later by the broadcaster"\n')
    seal = Seal(load_policy(), Rights("self").stated(), clip=MotionClip.neutral(1), inputs={}, sources={})
    before = sha256_of(tmp_path / "a.png")
    seal.sign_file(tmp_path / "a.png", "a")
    assert sha256_of(tmp_path / "a.png") == before and seal.record()["credentials"] == {
        "off": "signed later by the broadcaster"
    }


def test_a_studio_key_that_cannot_sign_is_found_before_the_rendering(tmp_path, monkeypatch):
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "policy.toml"))
    (tmp_path / "policy.toml").write_text('[credentials]\ncertificate = "chain.pem"\nkey = "key.pem"\n')
    one, other = local_key(tmp_path / "one"), local_key(tmp_path / "other")
    (tmp_path / "key.pem").write_bytes(one.key)
    for chain in (None, b"no certificate", other.certificates):
        if chain:
            (tmp_path / "chain.pem").write_bytes(chain)
        with pytest.raises(InputError, match="certificate or key") as caught:
            Seal(load_policy(), Rights("self").stated(), clip=MotionClip.neutral(1), inputs={}, sources={})
        assert "\n" not in str(caught.value)


def test_a_key_that_cannot_be_kept_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(OutputError) as caught:
        Seal(Policy(), Rights("self").stated(), clip=MotionClip.neutral(1), inputs={}, sources={})
    assert "\n" not in str(caught.value)
