"""The bill of materials: complete, and every entry with a licence and, where it is a file of ours, its hash."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from packaging.requirements import Requirement
from typer.testing import CliRunner

from soliloquy.engine.cli import app
from soliloquy.engine.files import sha256_of
from soliloquy.engine.models import MODELS
from soliloquy.engine.provenance import audit, bill
from soliloquy.engine.provenance.bill import BUNDLED, DATA, bill_of_materials

ROOT = Path(__file__).resolve().parents[2]


def test_bill_of_materials_lists_code_weights_and_data(tmp_path):
    result = CliRunner().invoke(app, ["doctor", "--sbom", str(tmp_path / "sbom.json"), "--json"])
    assert result.exit_code == 0, result.output
    bill = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    components = {component["name"]: component for component in bill["components"]}
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = {
        pin.name
        for pin in (Requirement(line) for line in lines if line and line[0] != "#")
        if not pin.marker or pin.marker.evaluate()
    }
    assets = {path.name: path for path in (ROOT / "engine" / "assets").iterdir() if path.suffix not in (".md", "")}
    assert set(components) == pinned | set(MODELS) | set(assets) | {name for _, name, _, _ in BUNDLED} | {
        name for name, _ in DATA
    }
    assert all(components[name]["hashes"][0]["content"] == sha256_of(path) for name, path in assets.items())
    assert [name for name, component in components.items() if not component.get("licenses")] == []
    references = [component["bom-ref"] for component in bill["components"]]
    assert len(set(references)) == len(references) and set(bill["dependencies"][0]["dependsOn"]) == set(references)


def test_no_licence_forbids_commercial_use():
    text = json.dumps([component["licenses"] for component in bill_of_materials()["components"]]).lower()
    assert "non-commercial" not in text and "noncommercial" not in text and "-nc" not in text and "proprietary" not in text


def test_the_bill_says_what_the_weights_were_taught_with():
    data = {entry["name"]: entry["licenses"] for entry in bill_of_materials()["components"] if entry["type"] == "data"}
    grid = next(licences for name, licences in data.items() if name.startswith("GRID"))
    assert grid == [{"expression": "CC-BY-4.0"}] and set(data) >= {name for name, _ in DATA}


def advisory(identity: str, name: str, **affected: object) -> dict:
    return {"id": identity, "summary": "bad", "affected": [{"package": {"ecosystem": "PyPI", "name": name}, **affected}]}


def test_audit_without_a_network_finds_what_applies_and_nothing_else(tmp_path, capsys):
    version = bill.pinned()["pillow"]
    span = [
        {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": version}, {"fixed": "9999"}]}
    ]
    records = [
        advisory("A-1", "Pillow", ranges=span),
        advisory("A-2", "pillow", versions=[version]),
        advisory("A-3", "pillow", versions=["0.1"]),
        advisory("A-4", "numpy", ranges=[{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"last_affected": "1.0"}]}]),
        advisory("A-5", "pillow", versions=[version]) | {"withdrawn": "2026-01-01T00:00:00Z"},
        advisory("A-6", "unknown-to-us", versions=["1"]),
        {"id": "A-7", "affected": [{"package": {"ecosystem": "npm", "name": "pillow"}, "versions": [version]}]},
    ]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for record in records:
            archive.writestr(f"{record['id']}.json", json.dumps(record))
        archive.writestr("broken.json", "{")
    read, found = audit.audit(tmp_path / "all.zip", bill.pinned())
    assert read == 6 and sorted(entry.advisory for entry in found) == ["A-1", "A-2"]
    assert audit.main([str(tmp_path / "all.zip")]) == 1 and "A-1" in capsys.readouterr().out
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.json").write_text(json.dumps(records[2]))
    assert audit.main([str(tmp_path / "folder")]) == 0
    assert audit.main([str(tmp_path / "gone.zip")]) == 2 and audit.main([]) == 2


def test_licences_of_libraries_have_their_spdx_names():
    named = {entry["name"]: entry["licenses"] for entry in bill_of_materials()["components"] if entry["type"] == "library"}
    loose = {name for name, licences in named.items() if "license" in licences[0]}
    assert {licences[0]["license"]["name"] for name, licences in named.items() if name in loose} <= {"BSD License"}
