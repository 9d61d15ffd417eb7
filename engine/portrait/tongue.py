"""What the tongue does: shapes of the asset's tongue that MakeHuman does not have, or has too small for a camera to see.

A tongue is a muscle of constant volume that bends: each shape says where its middle line goes, how thin it gets and
how narrow, as functions of the place along it. The amounts are read off mid-sagittal views of articulation (Ladefoged & Maddieson 1996,
"The Sounds of the World's Languages", chapters 2 and 9; Hardcastle 1976, "Physiology of Speech Production").
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

MM = 0.01
"""A millimetre in the asset's decimetres."""
SHAPES = ("tongueOut", "tongueUp", "tongueBack")
ROOT_Z, TIP_Z = 0.70, 1.396
"""Where the asset's tongue begins and ends at rest, decimetres (see training/mouth_shapes.py)."""
PLACES = np.array([0.0, 0.3, 0.5, 0.65, 0.8, 0.9, 1.0])
"""Shares of the way from root to tip at which the shapes are given."""
FORWARD_MM = {"tongueOut": (0.0, 4.0, 10.0, 17.0, 24.0, 28.0, 32.0), "tongueUp": (0.0, 0.5, 1.5, 2.0, 2.5, 2.5, 1.5),
              "tongueBack": (-2.0, -3.0, -4.0, -4.5, -5.0, -5.5, -6.0)}
UP_MM = {"tongueOut": (0.0, 0.0, 0.5, 2.5, 3.0, 1.0, -4.0), "tongueUp": (0.0, -1.0, 1.0, 4.5, 10.5, 15.5, 20.5),
         "tongueBack": (-1.0, -3.5, -5.5, -5.5, -4.0, -3.0, -2.5)}
THICKNESS = {"tongueOut": (1.0, 0.9, 0.75, 0.65, 0.65, 0.75, 1.0), "tongueUp": (1.0, 1.0, 0.95, 0.85, 0.75, 0.7, 0.7),
             "tongueBack": (1.1, 1.0, 0.85, 0.8, 0.85, 0.9, 1.0)}
WIDTH = {"tongueOut": (1.0, 1.0, 1.0, 1.0, 1.02, 1.08, 1.15), "tongueUp": (1.0, 1.0, 0.97, 0.93, 0.88, 0.85, 0.8),
         "tongueBack": (1.0, 1.0, 1.02, 1.04, 1.06, 1.08, 1.1)}
"""By shape, at PLACES: the middle line's way forward and up, and factors on what the tongue measures there. Out: over the lower
teeth and lip, drooping at the end. Up: the tip on the ridge behind the upper teeth with the jaw half open. Back: the tip off the
lower teeth, the body sunk and flat, so that the throat is seen above it."""


def tongue_shapes(vertices: np.ndarray) -> dict[str, np.ndarray]:
    """By name of SHAPES (V, 3) decimetres: offsets of the asset's tongue (V, 3) at full value."""
    middle_y = middle_line(vertices)
    place = np.clip((vertices[:, 2] - ROOT_Z) / (TIP_Z - ROOT_Z), 0, 1)
    shapes = {}
    for name in SHAPES:
        tables = (table[name] for table in (FORWARD_MM, UP_MM, THICKNESS, WIDTH))
        forward, up, thickness, width = (PchipInterpolator(PLACES, values)(place) for values in tables)
        height = up * MM + (thickness - 1) * (vertices[:, 1] - middle_y)
        shapes[name] = np.stack([(width - 1) * vertices[:, 0], height, forward * MM], axis=1)
    return shapes


def middle_line(vertices: np.ndarray) -> np.ndarray:
    """(V,) height of the middle between the tongue's back and its underside at each vertex's place along it."""
    order = np.argsort(vertices[:, 2])
    along = vertices[order, 2]
    edges = np.linspace(along[0], along[-1], 14)
    bins = np.clip(np.digitize(along, edges) - 1, 0, len(edges) - 2)
    heights = vertices[order, 1]
    found = [(along[bins == n].mean(), (heights[bins == n].max() + heights[bins == n].min()) / 2)
             for n in range(len(edges) - 1) if (bins == n).any()]
    return np.interp(vertices[:, 2], *np.transpose(found))
