"""Reads a rig back as a clip: what the engine has to draw to show what the rig does now.

Every frame is evaluated by Blender itself, with curves, drivers, constraints and NLA layers, in a scene of its own that holds the
rig only: what the person looks at stays still, and reading can be done a few milliseconds at a time.
"""

from __future__ import annotations

import time

import bpy
import numpy as np

from ..errors import AddonError
from . import record as records
from .channels import CHANNELS, RIG_CHANNELS
from .clip_file import ClipData
from .found_rig import Rig, find_rig
from .rig_names import EYE_BONES, HEAD
from .timing import key_frames, scene_fps

_BONES = (HEAD, *EYE_BONES.values())


class RigReader:
    """Reads one rig's performance, a little at every call of `read_some`."""

    def __init__(self, rig: Rig, scene: bpy.types.Scene) -> None:
        """Raises AddonError when the rig has no performance."""
        self._record = records.read(rig.armature)
        if self._record is None:
            raise AddonError(f"{rig.armature.name} has no performance to read.", code="bad_input")
        self._armature_name, self._library, self._scene_name = rig.armature.name, rig.armature.library, scene.name
        offset, scale = records.taken_by_scene(self._record, rig)
        ratio_frames = key_frames(self._record.frames, self._record.rate_in_scene, scene_fps(scene), 0)
        self._frames = (offset + scale * (self._record.start_frame + ratio_frames)).astype(np.float32)
        self._channels = np.zeros((self.total, len(RIG_CHANNELS)), np.float32)
        self._bones = np.zeros((self.total, len(_BONES), 4, 4))
        self._rest: np.ndarray | None = None
        self.done = 0

    @property
    def total(self) -> int:
        return self._record.frames

    def read_some(self, budget_s: float) -> None:
        """Read on for about so long, at least one frame. Raises AddonError when the rig was deleted meanwhile."""
        rig = self._rig()
        until_s = time.perf_counter() + budget_s
        scene = bpy.data.scenes.new("Soliloquy reads")
        try:
            scene.collection.objects.link(rig.armature)
            scene.collection.objects.link(rig.master)
            self._rest = np.array([np.array(rig.armature.data.bones[name].matrix_local) for name in _BONES])
            while self.done < self.total:
                self._read_frame(rig, scene)
                if time.perf_counter() >= until_s:
                    return
        finally:
            bpy.data.scenes.remove(scene)

    def begun_again(self) -> RigReader:
        """A reader of the same rig as it is now. Raises AddonError when it was deleted meanwhile."""
        return RigReader(self._rig(), bpy.data.scenes.get(self._scene_name) or bpy.context.scene)

    def _rig(self) -> Rig:
        rig = find_rig(bpy.data.objects.get((self._armature_name, self._library.filepath if self._library else None)))
        if rig is None:
            raise AddonError(f"{self._armature_name} is gone: there is nothing to render.")
        return rig

    def read_all(self) -> ClipData:
        """Read to the end at once."""
        while self.done < self.total:
            self.read_some(1.0)
        return self.clip()

    def clip(self) -> ClipData:
        """What was read; everything must have been."""
        local = np.linalg.inv(self._rest[0]) @ self._bones[:, 0]
        gaze = [self._gaze(eye) for eye in range(1, len(_BONES))]
        values = np.clip(self._channels, 0, 1)
        return ClipData(self._record.rate, values[:, :len(CHANNELS)], _yaw_pitch_roll(local).astype(np.float32),
                        local[:, :3, 3].astype(np.float32), np.stack(gaze, axis=1).astype(np.float32), values[:, len(CHANNELS):])

    def _read_frame(self, rig: Rig, scene: bpy.types.Scene) -> None:
        whole = int(np.floor(self._frames[self.done]))
        scene.frame_set(whole, subframe=float(self._frames[self.done] - whole))
        graph = scene.view_layers[0].depsgraph
        bones = rig.armature.evaluated_get(graph).pose.bones
        for place, name in enumerate(_BONES):
            self._bones[self.done, place] = bones[name].matrix
        blocks = rig.master.data.shape_keys.evaluated_get(graph).key_blocks
        for column, name in enumerate(RIG_CHANNELS):
            block = blocks.get(name)
            if block is not None and not block.mute:
                self._channels[self.done, column] = block.value
        self.done += 1

    def _gaze(self, eye: int) -> np.ndarray:
        """(T, 2) yaw, pitch of an eye in the head, degrees. Eye bones point to where the eye looks; see rig.EYE_ROTATION_ORDER."""
        at_rest = self._bones[:, 0] @ np.linalg.inv(self._rest[0]) @ self._rest[eye]
        ahead = (np.linalg.inv(at_rest) @ self._bones[:, eye])[:, :3, 1]
        ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
        yaw = np.arctan2(-ahead[:, 0], ahead[:, 1])
        pitch = np.arctan2(ahead[:, 2], np.hypot(ahead[:, 0], ahead[:, 1]))
        return np.degrees(np.stack([yaw, pitch], axis=1))


def _yaw_pitch_roll(local: np.ndarray) -> np.ndarray:
    """(T, 3) degrees of matrices (T, 4, 4) that are Ry(yaw) Rx(-pitch) Rz(roll), scale taken off."""
    turn = local[:, :3, :3] / np.linalg.norm(local[:, :3, :3], axis=1, keepdims=True)
    pitch = np.arctan2(turn[:, 1, 2], np.hypot(turn[:, 0, 2], turn[:, 2, 2]))
    yaw = np.arctan2(turn[:, 0, 2], turn[:, 2, 2])
    roll = np.arctan2(turn[:, 1, 0], turn[:, 1, 1])
    return np.degrees(np.stack([yaw, pitch, roll], axis=1))
