"""A rig posed by one sample, without keys: for the live preview."""

from __future__ import annotations

import bpy
import numpy as np

from .performance import places_on
from .found_rig import Rig


class Poser:
    """Knows where a rig's 64 values live, and how they were before."""

    def __init__(self, rig: Rig) -> None:
        self._armature, self._keys = rig.armature, rig.master.data.shape_keys
        self._places = list(places_on(rig))
        self._before = [self._get(place) for _, place in self._places]

    def show(self, columns: np.ndarray) -> None:
        """Pose the rig. columns: (64,) as `performance.columns_of` has them."""
        self._set([place.factor * columns[column] for column, place in self._places])

    def put_back(self) -> None:
        """As it was when this was made."""
        self._set(self._before)

    def _set(self, values: list[float]) -> None:
        for (_, place), value in zip(self._places, values, strict=True):
            holder, name = self._target(place)
            if place.on_keys:
                setattr(holder, name, value)
            else:
                getattr(holder, name)[place.index] = value
        self._keys.update_tag()
        self._armature.update_tag()

    def _get(self, place) -> float:
        holder, name = self._target(place)
        return getattr(holder, name) if place.on_keys else getattr(holder, name)[place.index]

    def _target(self, place) -> tuple[bpy.types.bpy_struct, str]:
        path, _, name = place.path.rpartition(".")
        return (self._keys if place.on_keys else self._armature).path_resolve(path), name
