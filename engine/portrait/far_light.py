"""In which light the far side of a face lies: what the near side's colours are multiplied by to be the far side's.

Where both sides are seen it is the ratio of the two, made smooth (Liu, Shan & Zhang 2001, "Expressive expression
mapping with ratio images"). Where the far side is not seen, the ratio goes on as a membrane does between the pixels of a
seamless cloning (Perez, Gangnet & Blake 2003, "Poisson image editing"), but for what the light explains of it: a nose that
is lit from one side is bright on that side, seen or not.
"""

from __future__ import annotations

import cv2
import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
import scipy.sparse.linalg

from .fit import HEAD_PUPIL_DISTANCE_DM, Fit, head_asset
from .window import corner_of, values_at, window_around

PATCH = 0.03
"""Colours of the two sides are compared over patches of about this radius, pupil distances."""
FINEST = 0.08
"""The ratio of the two sides follows what is seen of them no finer than this, pupil distances: light, but no freckle."""
UNLIKE = 0.4
"""A place unlike its surroundings by this, as a logarithm, is half believed: hair, a scratch, the edge of a shadow."""
ROBUST_STEPS = 3
LEAST_BELIEVED = 1e-6
"""Share with which no change at all is believed everywhere: a side of which nothing is seen has the other's colours."""
EQUILATERAL = 1 / (2 * 3 ** 0.5)
"""Half the cotangent of 60 degrees: what an edge of an equilateral triangle adds to a surface's Laplacian."""
DAMPING = 0.03
"""Variance of normals at which half of their light is believed."""
LIGHT_LIMIT = 0.6
"""The light explains no more than this of a ratio's logarithm: normals far from all that are seen are guesses."""
SKIN = 0.5
"""What is brighter or darker than skin by this, as a logarithm, is no skin: hair is not lit as if it were."""
BRIGHTEST = 0.95
"""No fill is brighter than this share of what is seen of the face."""
HUE_OF_LIT = 0.4
"""What is made brighter by this, as a logarithm, has the hue of the lit skin around it."""
GAIN_LIMITS = (0.2, 2.5)
"""A far side in shadow is a fifth as bright as the near one in the light of a painting."""


class Sheet:
    """The face as a sheet of vertices that is the same for every face, and symmetric.

    places: (V, 3) pupil distances, y up; area: (V,) of the sheet that belongs to each vertex.
    """

    def __init__(self, matrix, triangles: np.ndarray):
        self.places = matrix @ head_asset()["landmark_rest"].astype(np.float64) / HEAD_PUPIL_DISTANCE_DM
        a, b, c = (self.places[triangles[:, corner]] for corner in range(3))
        areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
        self.area = np.bincount(triangles.ravel(), np.repeat(areas, 3), minlength=len(self.places))
        start, stop = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
        edges = scipy.sparse.coo_matrix((np.full(len(start), EQUILATERAL), (start, stop)), shape=(len(self.places),) * 2)
        self.edges = (edges + edges.T).tocsr()

    def averaged(self, values: np.ndarray, rings: int) -> np.ndarray:
        """Values (V,), averaged with their neighbours so many times."""
        around = np.asarray(self.edges.sum(axis=1)).ravel()
        for _ in range(rings):
            values = (values + self.edges @ values / around) / 2
        return values

    def carried_on(self, values: np.ndarray, believed: np.ndarray) -> np.ndarray:
        """(V, K) smooth values near those given (V, K), as far as these are believed (V,) 0..1; elsewhere what hangs on them.

        The membrane's Euler-Lagrange equation on the mesh: what is believed pulls, the Laplacian smooths.
        """
        held = scipy.sparse.diags(believed * self.area / FINEST ** 2)
        system = held + scipy.sparse.csgraph.laplacian(self.edges) + scipy.sparse.diags(LEAST_BELIEVED * self.area)
        factors = scipy.sparse.linalg.splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        return factors.solve(held @ values)


def colours_at(image: np.ndarray, matte: np.ndarray, fit: Fit, places: np.ndarray) -> np.ndarray:
    """(V, 3) logarithms of the person's colours about places (V, 2+) of the picture."""
    sigma = max(1.0, PATCH * fit.pupil_distance)
    window = window_around(places, 5 * sigma, matte.shape)
    weight = cv2.GaussianBlur(matte[window], (0, 0), sigma) + 1e-3
    blurred = cv2.GaussianBlur(image[window] * matte[window][..., None], (0, 0), sigma) / weight[..., None] + 2.0
    return np.log(values_at(blurred, places[None, :, :2].astype(np.float32) - corner_of(window))[0]).astype(np.float64)


def gains(own: np.ndarray, other: np.ndarray, normals: np.ndarray, poor: np.ndarray, across, sheet: Sheet) -> np.ndarray:
    """(V, 3) what the colours of each vertex's counterpart are multiplied by to be its own.

    own, other: (V, 3) logarithms of both; normals: (V, 3); poor: (V,) 0..1 how little of each vertex is seen; across: (V, V)
    takes values to the counterparts.
    """
    trusted = (1 - poor) * (1 - across @ poor)
    light = lit_otherwise(own, other, normals - across @ normals, light_of(normals, own.mean(axis=1), 1 - poor), trusted)
    unexplained, believed = own - other - light, trusted
    for _ in range(ROBUST_STEPS):
        smooth = sheet.carried_on(unexplained, believed)
        believed = trusted / (1 + ((unexplained - smooth).mean(axis=1) / UNLIKE) ** 2)
    headroom = np.maximum(np.quantile(own[poor < 0.5], BRIGHTEST, axis=0) - other, 0)
    lit = np.minimum(light + smooth, headroom)
    return np.clip(np.exp(lit + hue_of_lit(other + lit, lit, sheet.carried_on(hue(own), believed))), *GAIN_LIMITS)


def hue(colour: np.ndarray) -> np.ndarray:
    """Of logarithms of colours (V, 3) what is not brightness."""
    return colour - colour.mean(axis=1, keepdims=True)


def hue_of_lit(filled: np.ndarray, brighter: np.ndarray, around: np.ndarray) -> np.ndarray:
    """(V, 3) logarithm of what turns the hue of shaded skin that is made `brighter` into that of the skin `around` (V, 3).

    Skin in the shade is redder than in the light: a nose's shaded flank, made bright, was orange.
    """
    share = np.clip(brighter.mean(axis=1, keepdims=True) / HUE_OF_LIT, 0, 1)
    return share * (around - hue(filled))


def light_of(normals: np.ndarray, brightness: np.ndarray, trusted: np.ndarray) -> np.ndarray:
    """(3,) what each component of a normal adds to the logarithm of the brightness (V,), from those to be trusted (V,).

    Damped: a light that the visible normals hardly tell is none.
    """
    share = trusted / trusted.sum()
    apart = normals - share @ normals
    variance = (share[:, None] * apart).T @ apart
    return np.linalg.solve(variance + DAMPING * np.eye(3), apart.T @ (share * (brightness - share @ brightness)))


def lit_otherwise(own: np.ndarray, other: np.ndarray, turned: np.ndarray, light: np.ndarray,
                  trusted: np.ndarray) -> np.ndarray:
    """(V, 1) logarithm of how much brighter skin is for having a normal that differs by `turned` (V, 3)."""
    skin = np.average(own.mean(axis=1), weights=trusted)
    away = np.abs(other.mean(axis=1, keepdims=True) - skin) / SKIN
    return np.clip(2 - away, 0, 1) * LIGHT_LIMIT * np.tanh(turned @ light / LIGHT_LIMIT)[:, None]
