"""Meshes from arrays, in one go."""

from __future__ import annotations

import bpy
import numpy as np

from . import materials


def build_mesh(name: str, points: np.ndarray, triangles: np.ndarray, uv: np.ndarray, colour: np.ndarray) -> bpy.types.Mesh:
    """points (V, 3) metres; triangles (T, n) polygons of n corners; uv (V, 2) v down; colour (V, 4) sRGB."""
    mesh = bpy.data.meshes.new(name)
    count, corners = triangles.shape
    mesh.vertices.add(len(points))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(points, np.float32).ravel())
    mesh.loops.add(count * corners)
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(triangles, np.int32).ravel())
    mesh.polygons.add(count)
    mesh.polygons.foreach_set("loop_start", np.arange(0, count * corners, corners, dtype=np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(count, bool))
    layer = mesh.uv_layers.new(name=materials.UV_MAP)
    corner_uv = np.column_stack((uv[:, 0], 1 - uv[:, 1])).astype(np.float32)[triangles.ravel()]
    layer.uv.foreach_set("vector", corner_uv.ravel())
    attribute = mesh.color_attributes.new(materials.COLOUR_ATTRIBUTE, "FLOAT_COLOR", "POINT")
    linear = np.column_stack((materials.linear_from_srgb(colour[:, :3]), colour[:, 3])).astype(np.float32)
    attribute.data.foreach_set("color", linear.ravel())
    mesh.update(calc_edges=True)
    if mesh.validate():
        raise ValueError(f"the mesh of {name} was not valid")
    return mesh
