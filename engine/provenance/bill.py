"""The software bill of materials: every library, model, data file and bundled program, with version, licence and hash.
CycloneDX 1.6 JSON."""

from __future__ import annotations

import contextlib
import datetime
import re
import uuid
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from .. import __version__
from ..files import sha256_of
from ..models import MODELS

ROOT = Path(__file__).resolve().parents[2]

OUR_LICENCE = "GPL-3.0-or-later"

ASSET_LICENCES = {"head.npz": "CC0-1.0"}
"""Files in engine/assets under another licence than ours; engine/assets/README.md says how each was made."""

BUNDLED = (
    ("application", "ffmpeg", "imageio-ffmpeg", "GPL-3.0-or-later"),
    ("library", "FFmpeg, decoding only", "opencv-contrib-python", "LGPL-2.1-or-later"),
    ("library", "libsndfile", "soundfile", "LGPL-2.1-or-later"),
    ("file", "DejaVu Sans, the label's font", "matplotlib", "Bitstream-Vera"),
    ("machine-learning-model", "acoustic model and pronouncing dictionary, English", "pocketsphinx", "BSD-2-Clause"),
    ("machine-learning-model", "English voice", "hibari-tts", "Apache-2.0"),
)
"""What comes inside a library under a licence of its own: kind, name, the library, licence."""

SPDX = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "ISC License (ISCL)": "ISC",
    "3-Clause BSD License": "BSD-3-Clause",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What older packages call their licence -> its SPDX identifier. "BSD License" may be one of two and stays as it is."""

DATA = (
    ("GRID audiovisual sentence corpus, speaker 1 (Cooke, Barker, Cunningham, Shao 2006), taught lips and phones", "CC-BY-4.0"),
    ("FACEGOOD Audio2Face recordings, taught the lips", "MIT"),
    ("68 landmarks of a man addressing the camera, 12 recordings, taught the performance network", "MIT"),
    ("Kokoro-82M and hibari speaking, taught the phones", "Apache-2.0"),
    ("espeak-ng speaking, taught the phones", "GPL-3.0-or-later"),
    ("Allison Smith reading Asterisk's prompts, taught the phones", "CC-BY-SA-3.0"),
    ("MakeHuman base mesh and ARKit face units, made the head and placed the teeth", "CC0-1.0"),
)
"""What the files in engine/assets were made from; none of it is shipped (docs/models.md, engine/assets/README.md)."""


def bill_of_materials() -> dict:
    """The CycloneDX document for what is pinned for this Python and system. Libraries that are not installed have no licence
    in it."""
    components = [*_libraries(), *_models(), *_assets(), *_bundled(), *_data()]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "metadata": {
            "timestamp": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "component": {
                "type": "application",
                "bom-ref": "soliloquy",
                "name": "soliloquy",
                "version": __version__,
                "licenses": _licence(OUR_LICENCE),
            },
        },
        "components": components,
        "dependencies": [{"ref": "soliloquy", "dependsOn": [component["bom-ref"] for component in components]}],
    }


def pinned() -> dict[str, str]:
    """Version by name of what requirements.txt pins for this Python and system."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {pin.name: str(pin.specifier).removeprefix("==") for pin in pins if not pin.marker or pin.marker.evaluate()}


def _libraries() -> list[dict]:
    found = []
    for name, version in pinned().items():
        about = None
        with contextlib.suppress(metadata.PackageNotFoundError):
            about, version = metadata.metadata(name), metadata.version(name)
        package = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
        found.append({"type": "library", "bom-ref": package, "name": name, "version": version, "purl": package}
                     | ({"licenses": _licence(stated)} if (stated := _stated_licence(about)) else {}))
    return found


def _stated_licence(about: metadata.PackageMetadata | None) -> str:
    """What a package's metadata calls its licence: the SPDX expression, else the classifiers, else the old field's first
    line."""
    if about is None:
        return ""
    if expression := about.get("License-Expression"):
        return expression
    classified = [
        SPDX.get(entry.rsplit(" :: ", 1)[-1], entry.rsplit(" :: ", 1)[-1])
        for entry in about.get_all("Classifier") or ()
        if entry.startswith("License ::")
    ]
    old = (about.get("License") or "").strip().splitlines()
    return " / ".join(classified) or (SPDX.get(old[0], old[0]) if old else "")


def _licence(stated: str) -> list[dict]:
    """SPDX expressions as such; whatever else a package says as a name."""
    word = r"\(*[A-Za-z0-9.+-]+\)*"
    is_expression = re.fullmatch(rf"{word}( (AND|OR|WITH) {word})*", stated) and re.search(r"\d|MIT|ISC|0BSD", stated)
    return [{"expression": stated}] if is_expression else [{"license": {"name": stated}}]


def _models() -> list[dict]:
    return [
        {
            "type": "machine-learning-model",
            "bom-ref": f"model/{model.name}",
            "name": model.name,
            "description": model.purpose,
            "publisher": model.made_by,
            "hashes": [{"alg": "SHA-256", "content": model.sha256}],
            "licenses": _licence(model.licence),
        }
        for model in MODELS.values()
    ]


def _assets() -> list[dict]:
    folder = ROOT / "engine" / "assets"
    return [{"type": "machine-learning-model" if path.suffix == ".safetensors" else "data", "bom-ref": f"asset/{path.name}",
             "name": path.name, "hashes": [{"alg": "SHA-256", "content": sha256_of(path)}],
             "licenses": _licence(ASSET_LICENCES.get(path.name, OUR_LICENCE))}
            for path in sorted(folder.iterdir()) if path.is_file() and path.suffix != ".md"]


def _bundled() -> list[dict]:
    return [
        {
            "type": kind,
            "bom-ref": f"bundled/{library}/{name}",
            "name": name,
            "description": f"inside {library}",
            "licenses": _licence(licence),
        }
        for kind, name, library, licence in BUNDLED
    ]


def _data() -> list[dict]:
    return [
        {
            "type": "data",
            "bom-ref": f"data/{name.split()[0]}",
            "name": name,
            "scope": "excluded",
            "licenses": _licence(licence),
        }
        for name, licence in DATA
    ]
