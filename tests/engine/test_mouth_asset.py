"""The mouth asset (engine/assets/mouth.npz): anatomy, placement behind the lips, and motion with the jaw."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

import soliloquy.engine
from soliloquy.engine.motion.clip import CHANNEL_INDEX
from soliloquy.engine.training.mouth_shapes import build_cavity, build_tongue
from soliloquy.engine.training.mouth_teeth import LOWER, UPPER, build_arch

ASSETS = Path(soliloquy.engine.__file__).parent / "assets"
PARTS = ("teeth_upper", "teeth_lower", "tongue", "cavity")
MM = 0.01
JAW = ("jawOpen", "jawForward", "jawLeft", "jawRight")
CROWNS_PER_ARCH = 14
# order of crowns in an arch: the subject's right side from the middle outwards, then the left side
CENTRALS, CANINES, FIRST_MOLARS = (0, 7), (2, 9), (5, 12)
UPPER_LIP_SEAM = 13
"""MediaPipe landmark: middle of the inner edge of the upper lip."""


@pytest.fixture(scope="module")
def mouth() -> dict[str, np.ndarray]:
    with np.load(ASSETS / "mouth.npz", allow_pickle=False) as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def head() -> dict[str, np.ndarray]:
    with np.load(ASSETS / "head.npz", allow_pickle=False) as stored:
        return dict(stored)


def mesh(mouth, part):
    return mouth[f"{part}/vertices"].astype(float), mouth[f"{part}/triangles"].astype(int)


def posed(mouth, part, weights):
    vertices = mouth[f"{part}/vertices"].astype(float)
    for channel, weight in weights.items():
        chosen = mouth[f"{part}/delta_channel"] == CHANNEL_INDEX[channel]
        vertices[mouth[f"{part}/delta_index"][chosen]] += weight * mouth[f"{part}/delta_offset"][chosen].astype(float)
    return vertices


def pieces(mouth, part):
    """Vertex indices of every connected piece, in file order."""
    vertices, triangles = mesh(mouth, part)
    ends = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    graph = coo_matrix((np.ones(len(ends)), ends.T), shape=(len(vertices),) * 2)
    _, label = connected_components(graph, directed=False)
    return [np.nonzero(label == value)[0] for value in dict.fromkeys(label.tolist())]


def crowns(mouth, part):
    return [mouth[f"{part}/vertices"][piece].astype(float) for piece in pieces(mouth, part)[-CROWNS_PER_ARCH:]]


def cusp(crown, root):
    """The biting point on the cheek's side of a crown."""
    outer = crown[np.abs(crown[:, 0]) >= np.abs(crown[:, 0]).mean()]
    return outer[np.argmax(-root * outer[:, 1])]


def signed_volume(vertices, triangles):
    a, b, c = (vertices[triangles[:, k]] - vertices.mean(0) for k in range(3))
    return np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6


def kabsch(source, target):
    u, _, vt = np.linalg.svd((source - source.mean(0)).T @ (target - target.mean(0)))
    rotation = vt.T @ np.diag([1, 1, np.sign(np.linalg.det(vt.T @ u.T))]) @ u.T
    return rotation, (source - source.mean(0)) @ rotation.T + target.mean(0) - target


def gap_to_surface(points, vertices, triangles):
    """(P,) distance along z from each point to the foremost surface over it; NaN where nothing lies over it."""
    gap = np.full(len(points), np.nan)
    for a, b, c in vertices[triangles]:
        spread = (b[1] - c[1]) * (a[0] - c[0]) + (c[0] - b[0]) * (a[1] - c[1])
        if abs(spread) < 1e-9:
            continue
        x, y = points[:, 0] - c[0], points[:, 1] - c[1]
        first = ((b[1] - c[1]) * x + (c[0] - b[0]) * y) / spread
        second = ((c[1] - a[1]) * x + (a[0] - c[0]) * y) / spread
        over = (first >= 0) & (second >= 0) & (first + second <= 1)
        depth = first * a[2] + second * b[2] + (1 - first - second) * c[2] - points[:, 2]
        gap[over] = np.fmax(gap[over], depth[over])
    return gap


def edges_cross(first, second):
    """Whether any edge of mesh `first` passes through a triangle of mesh `second` (Moeller and Trumbore 1997)."""
    (p, tp), (q, tq) = first, second
    ends = np.unique(np.sort(np.concatenate([tp[:, [0, 1]], tp[:, [1, 2]], tp[:, [2, 0]]]), axis=1), axis=0)
    start, along = p[ends[:, 0]], p[ends[:, 1]] - p[ends[:, 0]]
    low, high = np.minimum(start, start + along), np.maximum(start, start + along)
    for a, b, c in q[tq]:
        corner = np.stack([a, b, c])
        near = np.all((high >= corner.min(0)) & (low <= corner.max(0)), axis=1)
        if not near.any():
            continue
        normal = np.cross(b - a, c - a)
        slope = along[near] @ normal
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = ((a - start[near]) @ normal) / slope
        hit = start[near] + reach[:, None] * along[near] - a
        gram = np.linalg.pinv(np.stack([b - a, c - a], 1))
        u, v = (hit @ gram.T).T
        if np.any((reach > 0) & (reach < 1) & (u > 0) & (v > 0) & (u + v < 1)):
            return True
    return False


def test_the_asset_is_small_and_complete(mouth):
    assert (ASSETS / "mouth.npz").stat().st_size < 600_000
    assert sum(len(mouth[f"{part}/triangles"]) for part in PARTS) < 9_000
    for part in PARTS:
        count = len(mouth[f"{part}/vertices"])
        assert mouth[f"{part}/normals"].shape == (count, 3) and mouth[f"{part}/colour"].shape == (count, 4)
        assert mouth[f"{part}/triangles"].max() < count and mouth[f"{part}/delta_index"].max(initial=0) < count
        assert mouth[f"{part}/colour"].min() >= 0 and mouth[f"{part}/colour"].max() <= 1
        for name in ("vertices", "normals", "delta_offset"):
            assert np.isfinite(mouth[f"{part}/{name}"].astype(float)).all()


@pytest.mark.parametrize("part, built", [
    ("teeth_upper", lambda: build_arch(UPPER)), ("teeth_lower", lambda: build_arch(LOWER)),
    ("tongue", build_tongue), ("cavity", lambda: build_cavity()[0])])
def test_the_script_still_builds_the_committed_asset(mouth, part, built):
    built = built()
    assert np.abs(built.vertices - mouth[f"{part}/vertices"]).max() < 1e-5
    assert np.array_equal(built.triangles, mouth[f"{part}/triangles"])
    assert np.abs(built.colour - mouth[f"{part}/colour"].astype(float)).max() < 1e-3


def test_channels_of_the_parts(mouth):
    moved = {part: {int(channel) for channel in mouth[f"{part}/delta_channel"]} for part in PARTS}
    jaw = {CHANNEL_INDEX[name] for name in JAW}
    assert moved["teeth_upper"] == set()
    assert moved["teeth_lower"] == jaw and moved["cavity"] == jaw
    assert moved["tongue"] == jaw | {CHANNEL_INDEX["tongueOut"]}


def test_every_triangle_looks_outward(mouth):
    for part in ("teeth_upper", "teeth_lower"):
        vertices, triangles = mesh(mouth, part)
        for piece in pieces(mouth, part)[-CROWNS_PER_ARCH:]:
            assert signed_volume(vertices[piece], triangles[np.isin(triangles[:, 0], piece)] - piece[0]) > 0
    assert signed_volume(*mesh(mouth, "tongue")) > 0
    assert signed_volume(*mesh(mouth, "cavity")) < 0, "the cavity is seen from its inside"
    for part in PARTS:
        vertices, triangles = mesh(mouth, part)
        corner = vertices[triangles]
        face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        face /= np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-12)
        normals = mouth[f"{part}/normals"].astype(float)
        assert np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 0.01
        assert (np.einsum("ij,ij->i", face, normals[triangles].mean(1)) > 0).mean() > 0.97


def test_front_gum_looks_forward(mouth):
    for part in ("teeth_upper", "teeth_lower"):
        gum = pieces(mouth, part)[0]
        middle = np.abs(mouth[f"{part}/vertices"][gum, 0]) < 0.08
        assert (mouth[f"{part}/normals"][gum][middle, 2].astype(float) > 0).mean() > 0.9


def test_arch_widths_are_anatomical(mouth):
    upper, lower = crowns(mouth, "teeth_upper"), crowns(mouth, "teeth_lower")

    def width_mm(arch, pair, root):
        right, left = (cusp(arch[index], root) for index in pair)
        return (left[0] - right[0]) / MM

    assert width_mm(upper, CANINES, 1) == pytest.approx(35, abs=1.5)
    assert width_mm(upper, FIRST_MOLARS, 1) == pytest.approx(52, abs=1.5)
    assert 24 < width_mm(lower, CANINES, -1) < width_mm(upper, CANINES, 1) - 4
    assert 44 < width_mm(lower, FIRST_MOLARS, -1) < width_mm(upper, FIRST_MOLARS, 1) - 2


def test_crown_sizes_are_anatomical(mouth):
    gum_edge = mouth["teeth_upper/vertices"][pieces(mouth, "teeth_upper")[0]].astype(float)
    for index in CENTRALS:
        crown = crowns(mouth, "teeth_upper")[index]
        assert np.ptp(crown[:, 0]) / MM == pytest.approx(8.5, abs=0.5)
        over = np.abs(gum_edge[:, 0] - crown[:, 0].mean()) < 0.015
        assert (gum_edge[over, 1].min() - crown[:, 1].min()) / MM == pytest.approx(10, abs=1.0)
        assert 4.8 < np.ptp(crowns(mouth, "teeth_lower")[index][:, 0]) / MM < 5.6


def test_no_two_teeth_are_the_same(mouth):
    for left, right in zip(crowns(mouth, "teeth_upper")[:7], crowns(mouth, "teeth_upper")[7:]):
        assert not np.allclose(np.ptp(left, axis=0), np.ptp(right, axis=0), atol=1e-4)


def test_overbite_and_overjet(mouth):
    upper = np.concatenate([crowns(mouth, "teeth_upper")[index] for index in CENTRALS])
    lower = np.concatenate([crowns(mouth, "teeth_lower")[index] for index in CENTRALS])
    assert 1.8 < (lower[:, 1].max() - upper[:, 1].min()) / MM < 3
    assert 2 < (upper[:, 2].max() - lower[:, 2].max()) / MM < 4


def test_lower_teeth_do_not_cut_the_upper_at_rest(mouth):
    upper, lower = mesh(mouth, "teeth_upper"), mesh(mouth, "teeth_lower")
    assert not edges_cross(lower, upper) and not edges_cross(upper, lower)
    raised = lower[0] + [0, 0.03, 0.01]
    assert edges_cross((raised, lower[1]), upper), "the check itself must be able to fail"


@pytest.mark.parametrize("channel", JAW)
def test_lower_teeth_follow_the_jaw_rigidly(mouth, channel):
    rest, moved = posed(mouth, "teeth_lower", {}), posed(mouth, "teeth_lower", {channel: 1})
    rotation, error = kabsch(rest, moved)
    assert np.linalg.norm(error, axis=1).max() / MM < 0.05
    turn_deg = np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))
    assert 15 < turn_deg < 25 if channel == "jawOpen" else turn_deg < 0.2


def test_jaw_opens_downward_and_swings_to_its_side(mouth):
    edge = np.argmax(mouth["teeth_lower/vertices"][:, 2])
    offset = {name: (posed(mouth, "teeth_lower", {name: 1}) - posed(mouth, "teeth_lower", {}))[edge] / MM for name in JAW}
    assert 20 < -offset["jawOpen"][1] < 50
    assert offset["jawForward"][2] > 5 and offset["jawLeft"][0] > 4 and offset["jawRight"][0] < -4


def test_tongue_stays_in_the_lower_arch_and_comes_out(mouth):
    tongue = mouth["tongue/vertices"]
    front_teeth = np.concatenate([crowns(mouth, "teeth_lower")[index] for index in CENTRALS])
    assert tongue[:, 2].max() < front_teeth[:, 2].max() - 2 * MM
    out = posed(mouth, "tongue", {"tongueOut": 1, "jawOpen": 0.6})
    assert (out[:, 2].max() - posed(mouth, "tongue", {"jawOpen": 0.6})[:, 2].max()) / MM > 15
    opened = posed(mouth, "tongue", {"jawOpen": 1}) - tongue
    jaw = posed(mouth, "teeth_lower", {"jawOpen": 1}) - mouth["teeth_lower/vertices"]
    tip, edge = np.argmax(tongue[:, 2]), np.argmax(mouth["teeth_lower/vertices"][:, 2])
    assert np.linalg.norm(opened[tip] - jaw[edge]) / MM < 6


def test_cavity_encloses_the_mouth_and_darkens_with_depth(mouth):
    for weights in ({}, {"jawOpen": 0.5}, {"jawOpen": 1.0}):
        cavity = posed(mouth, "cavity", weights)
        for part in ("teeth_upper", "teeth_lower", "tongue"):
            inner = posed(mouth, part, weights)
            assert np.all(inner[:, :2].min(0) > cavity[:, :2].min(0)) and np.all(inner[:, :2].max(0) < cavity[:, :2].max(0))
    depth, light = mouth["cavity/vertices"][:, 2], mouth["cavity/colour"][:, 0].astype(float)
    assert np.corrcoef(depth, light)[0, 1] > 0.9
    assert light[depth < 0.75].max() < 0.1 and light[depth > 1.42].min() > 0.3


def test_teeth_are_ivory_gums_are_pink(mouth):
    for part in ("teeth_upper", "teeth_lower"):
        parts, colour = pieces(mouth, part), mouth[f"{part}/colour"].astype(float)
        tooth, gum = colour[parts[-CROWNS_PER_ARCH + 7]], colour[parts[0]]
        brightest = tooth[np.argmax(tooth[:, :3].sum(1)), :3]
        assert brightest.min() > 0.72 and 0 < brightest[0] - brightest[2] < 0.2
        assert np.median(gum[:, 0] / gum[:, 1]) > 1.4
        assert tooth[:, :3].max(1).min() < 0.5 * brightest.max(), "crevices between the teeth are dark"


def test_metadata(mouth):
    edge, plane = mouth["upper_incisal_edge"], mouth["occlusal_plane"]
    assert float(mouth["units_per_mm"]) == MM
    assert plane[:3] @ edge + plane[3] == pytest.approx(0, abs=1e-6)
    upper = np.concatenate([crowns(mouth, "teeth_upper")[index] for index in CENTRALS])
    assert abs(upper[:, 1].min() - edge[1]) < 1 * MM


def test_upper_edge_sits_just_below_the_lip_seam(mouth, head):
    seam = head["landmark_rest"][UPPER_LIP_SEAM]
    below_mm = (seam[1] - mouth["upper_incisal_edge"][1]) / MM
    assert 1 < below_mm < 3
    assert 3 < (seam[2] - crowns(mouth, "teeth_upper")[0][:, 2].max()) / MM < 12


@pytest.mark.parametrize("weights", [
    {}, {"jawOpen": 1}, {"jawOpen": 0.5}, {"mouthSmileLeft": 1, "mouthSmileRight": 1}, {"mouthPucker": 1},
    {"mouthFunnel": 1},
    {"jawOpen": 0.5, "mouthSmileLeft": 1, "mouthSmileRight": 1}, {"jawForward": 1}, {"jawLeft": 1}, {"mouthRight": 1},
    {"mouthUpperUpLeft": 1, "mouthUpperUpRight": 1, "mouthLowerDownLeft": 1, "mouthLowerDownRight": 1},
    {"mouthStretchLeft": 1, "mouthStretchRight": 1}, {"mouthRollLower": 1}],
    ids=lambda weights: "+".join(f"{name}{weight}" for name, weight in weights.items()) or "neutral")
def test_teeth_stay_behind_the_lips(mouth, head, weights):
    skin = head["landmark_rest"].astype(float)
    for channel, weight in weights.items():
        skin = skin + weight * head["landmark_deltas"][CHANNEL_INDEX[channel]].astype(float)
    triangles = head["face_triangles"].astype(int)
    middle = skin[triangles].mean(1)
    triangles = triangles[(np.abs(middle[:, 0]) < 0.6) & (middle[:, 1] < 7.2)]
    for part in ("teeth_upper", "teeth_lower"):
        gap = gap_to_surface(posed(mouth, part, weights), skin, triangles)
        assert np.isfinite(gap).mean() > 0.3, "the lips must cover a part of the teeth for this to mean anything"
        assert np.nanmin(gap) > 0
