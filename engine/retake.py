"""A performance's folder or clip, partly performed anew: what was changed by hand since it was generated is kept."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import InputError
from .motion.clip import MotionClip
from .motion.direction import Direction
from .motion.edit import WHOLE, Span, curves, differs, merge_takes, with_curves
from .motion.generate import EYES_HOLD_FROM, generate_motion
from .progress import Progress, silent

if TYPE_CHECKING:
    from .audio.speech import Speech

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retake:
    """clip: the new performance. generated: the same, but where a value was made by hand what the generator had said there: the
    next time it is still known as made by hand. kept: share of the values asked for that were kept for that reason."""

    clip: MotionClip
    generated: MotionClip
    kept: float

    def save(self, path: Path) -> Path:
        """Write the clip to `path`, and beside it what was generated; returns where that is. Raises OutputError."""
        baseline = path.with_name(f"{path.stem}-generated{path.suffix}")
        self.generated.save(baseline)
        self.clip.save(path)
        return baseline


def retake(clip: MotionClip, generated: MotionClip, speech: Speech, *, direction: Direction | None = None, seed: int | None = None,
           spans: Sequence[Span] = (WHOLE,), regions: Iterable[str] = ("all",), blend_s: float | None = None, tolerance: float = 1.0,
           progress: Progress = silent) -> Retake:
    """Perform `speech` again and put the new take into `spans` and `regions` of `clip`; see `merge_takes` for what stays.

    generated: what `clip` was before a hand touched it; where they differ, `clip` is kept. direction: the one it was generated under
    when left out. seed: another take than before when left out. tolerance: see `differs`. Raises InputError when the speech has another length than the clip.
    """
    regions = tuple(regions)
    direction = direction or made_under(generated)
    seed = next_seed(generated) if seed is None else seed
    hand_made = differs(clip, generated, tolerance)
    fresh = generate_motion(speech, direction, seed=seed, fps=clip.fps, progress=progress)
    if len(fresh) != len(clip):
        raise InputError(f"The clip has {len(clip)} frames and the recording {len(fresh)} at {clip.fps} a second: they do not belong "
                         "together.")
    made = merge_takes(clip, fresh, spans=spans, regions=regions, hand_made=hand_made, blend_s=blend_s,
                       eyes_hold=min(1.0, direction.gaze / EYES_HOLD_FROM))
    edit = {"seed": seed, "regions": list(regions), "direction": direction.as_record(),
            "spans_s": [[span.start_s, None if np.isinf(span.end_s) else span.end_s] for span in spans]}
    provenance = generated.provenance | {"edits": [*_edits(generated.provenance), edit]}
    made = with_curves(made, curves(made), provenance)
    baseline = with_curves(made, np.where(hand_made, curves(generated), curves(made)), provenance)
    logger.info("take %d: %d values made by hand kept", seed, hand_made.sum())
    return Retake(made, baseline, float(hand_made.mean()))


def made_under(clip: MotionClip) -> Direction:
    """The direction a clip was generated under, the default one when it does not say. Raises InputError when it says nonsense."""
    record = clip.provenance.get("direction")
    return Direction().with_settings(record) if isinstance(record, Mapping) else Direction()


def next_seed(clip: MotionClip) -> int:
    """A take that this clip has not seen yet."""
    used = [clip.provenance.get("seed"), *(edit.get("seed") for edit in _edits(clip.provenance))]
    return max((seed for seed in used if isinstance(seed, int)), default=-1) + 1


def _edits(provenance: Mapping) -> list[dict]:
    edits = provenance.get("edits")
    return [edit for edit in edits if isinstance(edit, dict)] if isinstance(edits, list) else []
