"""Row 13's shape on a head that is known to be rigid, and on one that bends as it turns."""

from __future__ import annotations

import numpy as np

from soliloquy.engine.measure.figures import TARGETS
from soliloquy.engine.measure.known_head import CAMERA_EYE_DISTANCES, EYE_DISTANCE_PX, SIZE_PX, KnownHead, looked_at
from soliloquy.engine.measure.rows_shape import unexplained_iod
from soliloquy.engine.measure.structure import turning
from soliloquy.engine.measure.tracking import follow

ASKED_DEG = np.array([(0, 0, 0), (-20, 0, 0), (-10, 0, 0), (10, 0, 0), (20, 0, 0), (0, -10, 0), (0, 10, 0), (0, 0, -10), (0, 0, 10)],
                     float)


def waving(head: KnownHead, still: np.ndarray, amount_iod: float) -> None:
    """Bend the head's surface away from `still` (V, 3), as rubber would."""
    bent = np.stack([np.sin(4.0 * still[:, 1] + 0.5), np.sin(4.0 * still[:, 0]), np.zeros(len(still))], axis=1)
    head.vertices = still + amount_iod * bent


def test_a_rigid_head_keeps_its_shape_and_a_rubber_one_fails_row_13(detector):
    head, unexplained = KnownHead("caucasian-male-old"), []
    still = head.vertices.copy()
    for rubber_iod in (0.0, 0.04):
        frames = []
        for angles in ASKED_DEG:
            waving(head, still, rubber_iod * angles.sum() / 10.0)
            frames.append(head.draw(angles))
        tracks = follow(frames, looked_at(detector, frames))
        points = (tracks.points_px - (SIZE_PX - 1) / 2.0) * (1, -1) / EYE_DISTANCE_PX
        read = turning(points, tracks.seen, CAMERA_EYE_DISTANCES)
        unexplained.append(100.0 * unexplained_iod(read, np.flatnonzero(np.abs(ASKED_DEG).max(axis=1) == 10.0)).mean())
    rigid, rubber = (TARGETS["identity_shape"].met_by(value) for value in unexplained)
    assert rigid and not rubber, unexplained
