"""Rights: asked once, checked against the studio's policy, and nothing is rendered without them."""

from __future__ import annotations

import datetime
import json

import pytest
from typer.testing import CliRunner

from soliloquy.engine.cli import app
from soliloquy.engine.errors import InputError, NoRightsError
from soliloquy.engine.portrait.portrait import Portrait
from soliloquy.engine.provenance.consent import Rights, settled_rights
from soliloquy.engine.provenance.policy import BASES, FILE_VARIABLE, Policy, load_policy

FORM = {
    "basis": "consent",
    "statement": "release 12 in the archive",
    "subject": "Ada",
    "scope": "the spring film",
    "expires": "2030-06-30",
}


@pytest.fixture
def policy_file(tmp_path, monkeypatch):
    """Write a policy and make it the one in force."""
    def write(text: str) -> Policy:
        (tmp_path / "policy.toml").write_text(text)
        monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "policy.toml"))
        return load_policy()
    return write


def test_rights_in_one_line_as_a_table_and_as_a_file(tmp_path):
    assert Rights.parse("Consent: signed: 3 May") == Rights("consent", "signed: 3 May")
    assert Rights.parse("self") == Rights("self")
    (tmp_path / "ada.toml").write_text('basis = "consent"\nsubject = "Ada"\nexpires = 2030-06-30\n')
    assert Rights.parse(str(tmp_path / "ada.toml")) == Rights("consent", subject="Ada", expires="2030-06-30")
    assert Rights.from_record(Rights.from_record(FORM).to_record()) == Rights(**FORM)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "mine",
        {"statement": "x"},
        {"basis": "self", "colour": "red"},
        7,
        None,
        {"basis": "self", "expires": "soon"},
        {"basis": "self", "statement": "x" * 5000},
        "gone.toml",
    ],
)
def test_rights_that_cannot_be(said):
    with pytest.raises(InputError):
        Rights.from_record(said)


def test_nobody_stays_silent_and_the_portrait_remembers():
    with pytest.raises(NoRightsError, match="--rights") as caught:
        settled_rights(None, None, Policy())
    assert (caught.value.code, caught.value.exit_code) == ("no_rights", 2)
    first = settled_rights(Rights("self"), None, Policy())
    assert first.stated_by and first.stated_at
    assert settled_rights(None, first.to_record(), Policy()) == first, "not asked twice, and the date stays"


def test_policy_decides(policy_file):
    policy = policy_file('[rights]\nbases = ["consent"]\nrequired = ["subject", "scope"]\nvalid_days = 30\ndefault = ""\n')
    for rights, words in ((Rights("self"), "does not allow"), (Rights("consent", subject="Ada"), "scope")):
        with pytest.raises(NoRightsError, match=words):
            settled_rights(rights, None, policy)
    accepted = settled_rights(Rights(**(FORM | {"expires": ""})), None, policy)
    ends = datetime.date.fromisoformat(accepted.expires)
    assert ends == datetime.date.fromisoformat(accepted.stated_at[:10]) + datetime.timedelta(days=30)
    with pytest.raises(NoRightsError, match="expired"):
        settled_rights(None, accepted.to_record(), policy, today=ends + datetime.timedelta(days=1))
    assert settled_rights(None, accepted.to_record(), policy, today=ends) == accepted
    assert (
        settled_rights(None, None, policy_file('[rights]\ndefault = "licensed:house contract"\n')).statement
        == "house contract"
    )


@pytest.mark.parametrize(
    "text",
    [
        "[mark]\non = false\n",
        "[credentials]\non = false\nreason = ' '\n",
        "[mark]\nof = true\n",
        "[marks]\n",
        '[rights]\nbases = ["mine"]\n',
        '[rights]\nrequired = ["colour"]\n',
        "[mark]\non = 1\n",
        "rights = 3\n",
        '[credentials]\nkey = "a.pem"\n',
        "[[[",
    ],
)
def test_policies_that_cannot_be(policy_file, text):
    with pytest.raises(InputError):
        policy_file(text)


def test_a_named_policy_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "none.toml"))
    with pytest.raises(InputError, match="no policy"):
        load_policy()


def test_what_is_published_leaves_out_who_stated_it_but_is_tied_to_it():
    rights = Rights(**FORM, stated_by="j.smith")
    assert "j.smith" not in json.dumps(rights.summary()) and rights.summary()["means"] == BASES["consent"]
    assert Rights(**FORM, stated_by="someone else").summary()["record_sha256"] != rights.summary()["record_sha256"]


def test_without_rights_nothing_is_written(tmp_path, astronaut_path):
    (tmp_path / "voice.wav").write_bytes(b"never looked at")
    batch = tmp_path / "batch.toml"
    batch.write_text("".join(f'[[jobs]]\nportrait = "{astronaut_path}"\naudio = "voice.wav"\nout = "{out}"\n{more}'
                             for out, more in (("one", 'rights = "public-domain"\n'), ("two", ""))))
    for arguments in (["animate", astronaut_path, tmp_path / "voice.wav", "-o", tmp_path / "one"], ["job", batch]):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == 2 and "on what basis" in result.output and result.output.count("\n") == 1
    assert not (tmp_path / "one").exists(), "the batch stopped before its first job"


def test_a_portrait_carries_its_rights(astronaut, tmp_path):
    astronaut.provenance["rights"] = Rights(**FORM).to_record()
    try:
        astronaut.save(tmp_path / "a.portrait")
    finally:
        del astronaut.provenance["rights"]
    assert Rights.from_record(Portrait.load(tmp_path / "a.portrait").provenance["rights"]) == Rights(**FORM)
