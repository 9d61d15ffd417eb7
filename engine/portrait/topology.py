"""MediaPipe's face mesh as topology: triangles, contours and rings by landmark number.

Numbers are those of the 478-point FaceLandmarker model (Kartynnik et al. 2019, "Real-time Facial Surface Geometry from
Monocular Video on Mobile GPUs"). Left and right are the subject's: the picture's other side.
"""

from __future__ import annotations

import numpy as np

from ..offline import load_mediapipe

FACE_OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
             136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)
"""The face's outline, from the forehead's middle clockwise as seen in the picture."""

INNER_LIP_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LIP_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
OUTER_LIP_UPPER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LIP_LOWER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
"""Lip contours from the subject's right corner to the left corner."""

LID_UPPER = {"right": (33, 246, 161, 160, 159, 158, 157, 173, 133), "left": (263, 466, 388, 387, 386, 385, 384, 398, 362)}
LID_LOWER = {"right": (33, 7, 163, 144, 145, 153, 154, 155, 133), "left": (263, 249, 390, 373, 374, 380, 381, 382, 362)}
"""Lid edges from the outer to the inner corner."""
FOLD = {"right": (33, 247, 30, 29, 27, 28, 56, 190, 133), "left": (263, 467, 260, 259, 257, 258, 286, 414, 362)}
"""The fold of the upper lid, corner to corner, above the lid edge's points of the same rank."""

BROWS = {"right": (70, 63, 105, 66, 107, 55, 65, 52, 53, 46), "left": (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)}
"""The eyebrows' outlines."""

IRIS = {"right": (468, 469, 470, 471, 472), "left": (473, 474, 475, 476, 477)}
"""Centre first, then four points of the rim."""

CHIN = 152
FOREHEAD = 10
LANDMARKS = 478
SURFACE_LANDMARKS = 468
"""The first 468 landmarks are skin; the rest are the irises."""


def face_triangles() -> np.ndarray:
    """(T, 3) int32 triangles of the skin, counter-clockwise seen from the camera in a picture with y down.

    MediaPipe publishes the mesh as edges, three to a triangle, in order.
    """
    connections = load_mediapipe().tasks.vision.FaceLandmarksConnections
    edges = [(edge.start, edge.end) for edge in connections.FACE_LANDMARKS_TESSELATION]
    return np.array([[edges[k][0], edges[k + 1][0], edges[k + 2][0]] for k in range(0, len(edges), 3)], np.int32)
