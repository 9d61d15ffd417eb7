"""Dental arches for the mouth asset: crowns and gums (see build_mouth.py for the coordinate frames)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .mouth_shapes import Mesh, blend, fan_triangles, grid_triangles, join, opaque, smoothstep

MM = 0.01
"""Decimetres in a millimetre."""

FRONT_RINGS, BACK_RINGS = (-0.2, 0.0, 0.13, 0.3, 0.5, 0.7, 0.85, 0.95), (-0.2, 0.05, 0.3, 0.6, 0.88)
"""Rings of front and back teeth, as shares of the crown's height; the biting edge (1.0) is rounded by two more."""
FRONT_COLUMNS, BACK_COLUMNS = (9, 3), (7, 3)
"""Vertices of a ring: on the half towards the lips and on the inner half."""
PROFILE_HEIGHTS = (-0.2, 0.2, 0.6, 1.0)

ENAMEL, NECK, EDGE = (0.895, 0.860, 0.780), (0.855, 0.765, 0.620), (0.815, 0.825, 0.825)
SHADE_TINT = np.array([0.80, 1.08, 1.18])
"""Exponents of the baked shade per channel: the light in the crevices has come off gums, tongue and cheeks, so it is red."""
GUM, GUM_MARGIN, GUM_DEEP = (0.745, 0.435, 0.425), (0.800, 0.520, 0.505), (0.480, 0.200, 0.200)


@dataclass(frozen=True)
class Crown:
    """One kind of tooth. Millimetres; profiles are values at PROFILE_HEIGHTS, from under the gum to the biting edge.

    width: largest, at the contact points. height: gum line to edge, at the middle.
    outer, inner: extent to the lips and to the tongue of the arch line (which runs along edges and outer cusps).
    waist: width as a share of `width`. core: how far inside the arch line the tooth's middle lies.
    squareness: exponent of the superellipse cross section. corner_mesial, corner_distal: rounding of the edge's corners.
    point: how much the edge rises to one cusp. cusps: outer cusps. inner_drop: inner edge below the outer.
    edge_gap: distance of the edge from the occlusal plane (negative beyond it). warmth: 0..1 towards yellow.
    """

    width: float
    height: float
    outer: tuple[float, float, float, float]
    inner: tuple[float, float, float, float]
    waist: tuple[float, float, float, float] = (0.70, 0.86, 0.985, 0.97)
    core: float = 0.0
    squareness: float = 2.9
    corner_mesial: float = 0.5
    corner_distal: float = 1.0
    point: float = 0.0
    cusps: int = 0
    inner_drop: float = 0.0
    edge_gap: float = 0.0
    inner_narrowing: float = 0.35
    warmth: float = 0.0


_INCISOR = {"outer": (1.0, 1.75, 1.55, 0.55), "inner": (5.4, 4.2, 2.0, 0.75)}
_CANINE = {"outer": (1.2, 2.15, 1.85, 0.5), "inner": (6.0, 5.4, 2.7, 0.8), "squareness": 2.45, "point": 1.7,
           "corner_mesial": 0.3, "corner_distal": 0.5, "warmth": 0.45}
_PREMOLAR = {"outer": (0.9, 2.0, 1.8, 1.0), "inner": (7.0, 7.6, 7.2, 5.6), "squareness": 2.4, "core": 3.2, "point": 1.2,
             "corner_mesial": 0.3, "corner_distal": 0.3, "inner_drop": 0.8, "inner_narrowing": 0.12, "warmth": 0.25}
_MOLAR = {"outer": (0.7, 1.9, 1.9, 1.2), "inner": (8.6, 9.6, 9.2, 7.4), "squareness": 2.9, "core": 4.3, "cusps": 2,
          "corner_mesial": 0.3, "corner_distal": 0.5, "inner_drop": 0.5, "inner_narrowing": 0.08, "warmth": 0.3,
          "waist": (0.76, 0.9, 1.0, 0.93)}


@dataclass(frozen=True)
class Arch:
    """One dental arch. crowns: from the middle outwards, one side. Millimetres, except dm where said.

    canine_width, molar_width: between the canines' cusps and between the first molars' outer cusps.
    front_z, edge_y (dm): the middle of the arch line. root: +1 for upper teeth, whose roots point up; -1 for lower.
    lean_front, lean_back: outward travel per millimetre towards the edge, at the incisors and at the last molar.
    """

    crowns: tuple[Crown, ...]
    canine_width: float
    molar_width: float
    front_z: float
    edge_y: float
    root: int
    lean_front: float
    lean_back: float
    seed: int


OCCLUSAL_SLOPE = 0.10
"""Rise of the occlusal plane towards the back, about 6 degrees."""

UPPER = Arch(
    crowns=(Crown(8.5, 10.0, **_INCISOR), Crown(6.5, 8.8, edge_gap=0.6, corner_mesial=0.7, corner_distal=1.3, **_INCISOR),
            Crown(7.5, 9.9, **_CANINE), Crown(7.0, 8.4, edge_gap=0.2, **_PREMOLAR),
            Crown(6.8, 7.8, edge_gap=0.2, **_PREMOLAR),
            Crown(10.0, 7.4, edge_gap=0.2, **_MOLAR), Crown(9.3, 6.8, edge_gap=0.3, **_MOLAR)),
    canine_width=34.4, molar_width=52.0, front_z=1.472, edge_y=6.590, root=1, lean_front=0.14, lean_back=-0.02, seed=11)
LOWER = Arch(
    crowns=(Crown(5.2, 8.8, edge_gap=-2.2, corner_mesial=0.2, corner_distal=0.3, **_INCISOR),
            Crown(5.6, 8.9, edge_gap=-2.1, corner_mesial=0.2, corner_distal=0.5, **_INCISOR),
            Crown(6.8, 9.8, edge_gap=-1.9, **_CANINE), Crown(7.0, 8.2, edge_gap=0.3, **_PREMOLAR),
            Crown(7.1, 7.7, edge_gap=0.3, **_PREMOLAR), Crown(10.8, 7.2, edge_gap=0.3, **_MOLAR),
            Crown(10.2, 6.7, edge_gap=0.3, **_MOLAR)),
    canine_width=27.0, molar_width=47.6, front_z=1.4425, edge_y=6.590, root=-1, lean_front=0.12, lean_back=-0.08, seed=23)
FIRST_MOLAR, CANINE = 5, 2


class ArchLine:
    """The curve z = front_z - depth_mm * |x / canine_x| ** power, by arc length (millimetres, towards the subject's left).

    depth and power follow from where the canine and first molar must sit: their distance along the curve is the sum of the
    crown widths before them, their x half of the arch widths.
    """

    def __init__(self, arch: Arch) -> None:
        widths = np.array([crown.width for crown in arch.crowns])
        self.centres = np.cumsum(widths) - widths / 2
        self.arch = arch
        canine_x, molar_x = arch.canine_width / 2, arch.molar_width / 2
        low, high = 1.2, 8.0
        for _ in range(60):
            power = (low + high) / 2
            depth = self._depth_for(canine_x, self.centres[CANINE], power)
            reach = _arc_length(depth, power, canine_x, molar_x)
            low, high = (power, high) if reach < self.centres[FIRST_MOLAR] else (low, power)
        x = np.linspace(0, molar_x * 1.6, 4000)
        z = -depth * (x / canine_x) ** power
        self._s = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
        self._x, self._z = x, z

    @staticmethod
    def _depth_for(x: float, arc: float, power: float) -> float:
        low, high = 0.0, arc
        for _ in range(60):
            depth = (low + high) / 2
            low, high = (depth, high) if _arc_length(depth, power, x, x) < arc else (low, depth)
        return depth

    def at(self, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions (N, 3) dm on the occlusal plane and outward unit normals (N, 3) at arc lengths `s` in mm."""
        s = np.asarray(s, float)
        x = np.sign(s) * np.interp(np.abs(s), self._s, self._x)
        z = np.interp(np.abs(s), self._s, self._z)
        step = 0.5
        ahead, behind = np.abs(s) + step, np.maximum(np.abs(s) - step, 0)
        tangent_x = np.interp(ahead, self._s, self._x) - np.interp(behind, self._s, self._x)
        tangent_z = np.interp(ahead, self._s, self._z) - np.interp(behind, self._s, self._z)
        normal = np.stack([np.sign(s) * -tangent_z, 0 * s, tangent_x], -1)
        y = self.arch.edge_y - OCCLUSAL_SLOPE * z * MM
        return (np.stack([x * MM, y, self.arch.front_z + z * MM], -1),
                normal / np.linalg.norm(normal, axis=-1, keepdims=True))

    def lean(self, s: np.ndarray) -> np.ndarray:
        """Outward travel per millimetre towards the edge at arc lengths `s`."""
        share = smoothstep(8, self.centres[-1], np.abs(s))
        return self.arch.lean_front * (1 - share) + self.arch.lean_back * share


def _arc_length(depth: float, power: float, unit_x: float, x: float) -> float:
    samples = np.linspace(0, x, 1500)
    z = depth * (samples / unit_x) ** power
    return float(np.hypot(np.diff(samples), np.diff(z)).sum())


def profile(values: tuple[float, ...], t: np.ndarray) -> np.ndarray:
    """The cubic through `values` at PROFILE_HEIGHTS, at heights `t`."""
    return np.polyval(np.polyfit(PROFILE_HEIGHTS, values, 3), np.clip(t, -0.3, 1))


def build_arch(arch: Arch) -> Mesh:
    """Crowns and gums of both sides as one mesh, front of the gum first, then the crowns from the subject's right."""
    line = ArchLine(arch)
    random = np.random.default_rng(arch.seed)
    sides = [(side, index) for side in (-1, 1) for index in range(len(arch.crowns))]
    crowns = [_varied(arch.crowns[index], random) for _, index in sides]
    teeth = [_place_crown(arch, line, crown, side, index, random) for (side, index), crown in zip(sides, crowns)]
    return join([_outer_gum(arch, line), _inner_gum(arch, line), *teeth])


def _varied(crown: Crown, random: np.random.Generator) -> Crown:
    """No two teeth are alike: a little individual size, rounding and tint."""
    change = random.normal(0, 1, 5)
    return replace(crown, width=crown.width * (1 + 0.006 * change[0]) * 0.985,
                   edge_gap=crown.edge_gap + 0.10 * abs(change[1]),
                   corner_mesial=crown.corner_mesial * (1 + 0.2 * change[2]),
                   corner_distal=crown.corner_distal * (1 + 0.2 * change[3]), warmth=crown.warmth + 0.06 * change[4])


def _crown_angles(outer_columns: int, inner_columns: int) -> np.ndarray:
    """Around a crown: the outer half 0..pi, then the inner half, coarser."""
    outer = np.linspace(0, np.pi, outer_columns)
    inner = np.linspace(np.pi, 2 * np.pi, inner_columns + 2)[1:-1]
    return np.concatenate([outer, inner])


def _crown_local(crown: Crown, mesial: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One crown in its own frame: (V, 3) u, d, h in mm; (T, 3); height share t (V,); side -1..1 (V,) with 1 = contact.

    mesial: the sign of u towards the middle of the arch.
    """
    heights, columns = (BACK_RINGS, BACK_COLUMNS) if crown.core else (FRONT_RINGS, FRONT_COLUMNS)
    angle = _crown_angles(*columns)
    cos, sin = np.cos(angle), np.sin(angle)
    across = np.sign(cos) * np.abs(cos) ** (2 / crown.squareness)
    outward = np.sign(sin) * np.abs(sin) ** (2 / crown.squareness)
    edge = crown.height - _edge_drop(crown, across, mesial) - crown.inner_drop * (1 - outward) / 2
    rings = []
    for t, inset in [*((t, 1.0) for t in heights), (1.0, 0.90), (1.005, 0.70)]:
        rings.append(_ring(crown, across, outward, edge, t, inset))
    rings.append(_table(crown, rings[-1], edge))
    vertices = np.concatenate([*rings, rings[-1].mean(0, keepdims=True) - [0, 0, 0.35 if crown.core else 0.0]])
    columns, count = len(angle), len(rings)
    triangles = np.concatenate([grid_triangles(count, columns, closed=True),
                                fan_triangles((count - 1) * columns, columns, count * columns)])
    t = np.append(np.repeat([*heights, 1, 1, 1], columns), 1)
    return vertices, triangles, t, np.append(np.tile(np.abs(across) * (outward > -0.5), count), 0)


def _ring(crown: Crown, across: np.ndarray, outward: np.ndarray, edge: np.ndarray, t: float, inset: float) -> np.ndarray:
    outer, inner, waist = (float(profile(p, np.array(t))) for p in (crown.outer, crown.inner, crown.waist))
    narrowing = 1 - crown.inner_narrowing * np.clip(-outward, 0, 1)
    middle = (outer - inner) / 2 if crown.core else 0.0
    d = -crown.core + np.where(outward > 0, (outer + crown.core) * outward, (inner - crown.core) * outward)
    u = across * crown.width / 2 * waist * narrowing * (1 - (1 - inset) * 0.35)
    return np.stack([u, middle + (d - middle) * inset, edge * t], -1)


def _edge_drop(crown: Crown, across: np.ndarray, mesial: int) -> np.ndarray:
    """How far the biting edge lies below its highest point, mm, across the tooth (-1..1)."""
    towards_middle = across * mesial > 0
    drop = np.where(towards_middle, crown.corner_mesial, crown.corner_distal) * np.abs(across) ** 5
    drop = drop + crown.point * np.abs(across) ** 1.7
    if crown.cusps == 2:
        drop = drop + 0.45 * (1 + np.cos(2 * np.pi * np.abs(across) ** 0.85))
    return drop


def _table(crown: Crown, ring: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """The innermost ring of the biting surface: flat for front teeth, a fossa for the back ones."""
    middle = ring.mean(0)
    table = middle + (ring - middle) * 0.5
    table[:, 2] = edge - (1.1 if crown.core else 0.02)
    return table


def _place_crown(arch: Arch, line: ArchLine, crown: Crown, side: int, index: int, random: np.random.Generator) -> Mesh:
    local, triangles, t, contact = _crown_local(crown, -side)
    u, d, h = local.T
    turn, tip = np.radians(random.normal(0, [1.5, 0.8]))
    u, d = u * np.cos(turn) - d * np.sin(turn), u * np.sin(turn) + d * np.cos(turn)
    over_edge = h - crown.height
    u, h = u * np.cos(tip) - over_edge * np.sin(tip), crown.height + u * np.sin(tip) + over_edge * np.cos(tip)
    s = side * line.centres[index]
    position, normal = (value[0] for value in line.at(np.array([s])))
    tangent = np.array([normal[2], 0, -normal[0]])
    from_edge = crown.height - h
    d = d - from_edge * line.lean(s)
    rise = arch.root * (from_edge + crown.edge_gap)
    vertices = position + MM * (u[:, None] * tangent + d[:, None] * normal + rise[:, None] * np.array([0, 1.0, 0]))
    outward = vertices - vertices.mean(0)
    return Mesh(vertices, triangles, _crown_colour(crown, t, contact, d, index)).facing(outward)


def _crown_colour(crown: Crown, t: np.ndarray, contact: np.ndarray, d: np.ndarray, index: int) -> np.ndarray:
    """Ivory, warmer at the neck, bluish at the edge of front teeth; darkened between teeth, at the gum and in depth."""
    rgb = blend(ENAMEL, NECK, np.clip(0.75 * (1 - smoothstep(-0.05, 0.5, t)) + 0.45 * crown.warmth, 0, 1))
    translucent = 0.0 if crown.core else 0.65 * (1 - crown.warmth)
    rgb = blend(rgb, EDGE, translucent * smoothstep(0.72, 1.0, t))
    between = 1 - 0.62 * contact ** 7
    at_gum = 0.55 + 0.45 * smoothstep(-0.12, 0.16, t)
    behind = 1 - 0.35 * smoothstep(0.5, 4.0, -d - crown.core)
    depth = 1 - 0.40 * smoothstep(1.5, 6.5, np.full_like(t, index))
    occlusion = (between * at_gum * behind * depth)[:, None]
    return opaque(rgb * occlusion ** SHADE_TINT)


GUM_SAMPLES_PER_TOOTH = 6
GUM_ROWS = ((0.0, -0.35), (0.35, 0.20), (1.3, 0.40), (4.0, 0.10), (8.0, -1.9))
"""Rows of the outer gum: millimetres from the margin towards the root, millimetres outward of the crown's neck."""


def _gum_frame(arch: Arch, line: ArchLine) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Along the gum: arc length s (N,) mm, crown index (N,), position within the crown -1..1 (N,)."""
    count = len(arch.crowns)
    s, index, within = [], [], []
    for signed in range(-count, count):
        crown_index = -signed - 1 if signed < 0 else signed
        half = arch.crowns[crown_index].width / 2
        centre = (-1 if signed < 0 else 1) * line.centres[crown_index]
        share = np.linspace(-1, 1, GUM_SAMPLES_PER_TOOTH, endpoint=False)
        s.append(centre + share * half)
        index.append(np.full(len(share), crown_index))
        within.append(share)
    return np.concatenate(s), np.concatenate(index), np.concatenate(within)


def _gum_margin(arch: Arch, index: np.ndarray, within: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Distance of the gum's edge from the occlusal plane, mm: high over each crown, low in the papillae between."""
    zenith = np.array([crown.height + crown.edge_gap for crown in arch.crowns])
    papilla = np.array([crown.edge_gap + crown.height * 0.60 for crown in arch.crowns])
    outer = (papilla + np.append(papilla[1:], papilla[-1])) / 2
    inner = np.append(papilla[0], outer[:-1])
    contact = np.where(within * np.sign(s + 1e-9) > 0, outer[index], inner[index])
    return contact + (zenith[index] - contact) * (1 - np.abs(within) ** 2.1)


def _outer_gum(arch: Arch, line: ArchLine) -> Mesh:
    s, index, within = _gum_frame(arch, line)
    margin = _gum_margin(arch, index, within, s)
    position, normal = line.at(s)
    crowns = arch.crowns
    height = np.array([c.height + c.edge_gap for c in crowns])[index]
    even_height = np.interp(np.abs(s), line.centres, [c.height + c.edge_gap for c in crowns])
    rows, colours = [], []
    for step, (towards_root, outward) in enumerate(GUM_ROWS):
        straight = smoothstep(1, len(GUM_ROWS) - 1, step)  # the scallops fade out towards the fold of the lip
        level = margin * (1 - straight) + even_height * straight + towards_root
        t = np.clip(1 - level / height, 0, 1)
        neck = np.array([float(profile(crowns[i].outer, at)) for i, at in zip(index, t)])
        neck_even = np.interp(np.abs(s), line.centres, [float(profile(c.outer, np.array(0.0))) for c in crowns])
        core = np.array([min(crowns[i].core, 1.0) for i in index])
        bulge = (1 - np.abs(within) ** 2.6) ** (1 / 2.6)
        hollow = -core + (neck + core) * bulge
        eminence = neck_even * (0.62 + 0.38 * np.cos(np.pi * within / 2) ** 2)  # over the roots the gum waves gently
        d = np.where(step < 2, hollow, hollow * 0.4 + eminence * 0.6 if step == 2 else eminence)
        d = d + outward + (0.35 if step == 1 else 0.0) * np.abs(within) ** 4 - line.lean(s) * level
        rows.append(position + MM * (d[:, None] * normal + (arch.root * level)[:, None] * np.array([0, 1.0, 0])))
        colours.append(_gum_colour(step, within, index))
    vertices = np.concatenate(rows)
    mesh = Mesh(vertices, grid_triangles(len(GUM_ROWS), len(s), closed=False), opaque(np.concatenate(colours)))
    return mesh.facing(np.tile(normal, (len(GUM_ROWS), 1)))


def _gum_colour(step: int, within: np.ndarray, index: np.ndarray) -> np.ndarray:
    base = blend(GUM_MARGIN, GUM, np.full(len(within), min(step / 2, 1.0)))
    base = blend(base, GUM_DEEP, np.full(len(within), (0, 0, 0, 0.25, 1.0)[step]))
    crevice = (0.62, 0.95, 1.0, 1.0, 0.9)[step]
    papilla = 1 - 0.12 * np.abs(within) ** 4 * (step < 3)
    return base * (crevice * papilla * (1 - 0.40 * smoothstep(1.5, 6.5, index)))[:, None]


INNER_GUM_ROWS = ((-1.0, 0.6), (1.0, -1.0), (6.0, -6.0))


def _inner_gum(arch: Arch, line: ArchLine) -> Mesh:
    """The gum on the tongue's side: a plain band, seen only from above or below."""
    s, index, within = (value[::3] for value in _gum_frame(arch, line))
    position, normal = line.at(s)
    height = np.array([c.height + c.edge_gap for c in arch.crowns])[index]
    neck = np.array([float(profile(arch.crowns[i].inner, np.array(0.0))) for i in index])
    rows = []
    for towards_root, outward in INNER_GUM_ROWS:
        level = height + towards_root
        d = -neck * 0.92 + outward - line.lean(s) * level
        rows.append(position + MM * (d[:, None] * normal + (arch.root * level)[:, None] * np.array([0, 1.0, 0])))
    shade = blend(np.array(GUM) * 0.6, GUM_DEEP, np.repeat(np.linspace(0, 1, len(rows)), len(s)))
    mesh = Mesh(np.concatenate(rows), grid_triangles(len(rows), len(s), closed=False), opaque(shade))
    return mesh.facing(np.tile(-normal, (len(rows), 1)))
