"""The bill of materials: complete, and every entry with a licence and, where it is a file of ours, its hash."""

from __future__ import annotations

import json
from pathlib import Path

from packaging.requirements import Requirement
from typer.testing import CliRunner

from soliloquy.engine.cli import app
from soliloquy.engine.files import sha256_of
from soliloquy.engine.models import MODELS
from soliloquy.engine.provenance.bill import BUNDLED, DATA, bill_of_materials

ROOT = Path(__file__).resolve().parents[2]


def test_bill_of_materials_lists_code_weights_and_data(tmp_path):
    result = CliRunner().invoke(app, ["doctor", "--sbom", str(tmp_path / "sbom.json"), "--json"])
    assert result.exit_code == 0, result.output
    bill = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    components = {component["name"]: component for component in bill["components"]}
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = {pin.name for pin in (Requirement(line) for line in lines if line and line[0] != "#") if not pin.marker or pin.marker.evaluate()}
    assets = {path.name: path for path in (ROOT / "engine" / "assets").iterdir() if path.suffix not in (".md", "")}
    assert set(components) == pinned | set(MODELS) | set(assets) | {name for _, name, _, _ in BUNDLED} | {name for name, _ in DATA}
    assert all(components[name]["hashes"][0]["content"] == sha256_of(path) for name, path in assets.items())
    assert [name for name, component in components.items() if not component.get("licenses")] == []
    references = [component["bom-ref"] for component in bill["components"]]
    assert len(set(references)) == len(references) and set(bill["dependencies"][0]["dependsOn"]) == set(references)


def test_no_licence_forbids_commercial_use():
    from soliloquy.engine.provenance.bill import bill_of_materials
    text = json.dumps([component["licenses"] for component in bill_of_materials()["components"]]).lower()
    assert "non-commercial" not in text and "noncommercial" not in text and "-nc" not in text and "proprietary" not in text


def test_the_bill_says_what_the_weights_were_taught_with():
    data = {entry["name"]: entry["licenses"] for entry in bill_of_materials()["components"] if entry["type"] == "data"}
    grid = next(licences for name, licences in data.items() if name.startswith("GRID"))
    assert grid == [{"expression": "CC-BY-4.0"}] and set(data) >= {name for name, _ in DATA}
