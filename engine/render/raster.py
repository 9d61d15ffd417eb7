"""A small software rasteriser: triangles with depth, colour and texture into a picture. Compiled by numba, releases the GIL.

Every mesh is drawn in two passes: `visibility` finds the nearest triangle at each pixel, `shade` samples the texture there
and composites it over what is already drawn. Pixel centres lie at integer coordinates, as in MediaPipe and OpenCV.
"""

from __future__ import annotations

import numpy as np
from numba import njit

EMPTY = -1
"""Triangle index of a pixel that no triangle covers."""


@njit(cache=True, nogil=True, fastmath=True)
def visibility(vertices, triangles, uv, alpha_texture, depth, index, bary, left, top):
    """Find the nearest triangle at each pixel of a window.

    vertices: (V, 3) float32, x right, y down in pixels of the frame, z towards the camera.
    uv: (V, 2) float32 in texels of alpha_texture (h, w) uint8; texels with alpha 0 are holes. Empty texture (0, 0): no holes.
    depth: (h, w) float32, nearest z so far, updated; index: (h, w) int32, updated; bary: (h, w, 2) float32, updated.
    left, top: position of the window in the frame.
    """
    height, width = depth.shape
    rows, columns = alpha_texture.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = vertices[a, 0] - left, vertices[a, 1] - top
        bx, by = vertices[b, 0] - left, vertices[b, 1] - top
        cx, cy = vertices[c, 0] - left, vertices[c, 1] - top
        x0 = max(0, int(np.ceil(min(ax, bx, cx))))
        x1 = min(width - 1, int(np.floor(max(ax, bx, cx))))
        y0 = max(0, int(np.ceil(min(ay, by, cy))))
        y1 = min(height - 1, int(np.floor(max(ay, by, cy))))
        if x0 > x1 or y0 > y1:
            continue
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        scale = 1.0 / area
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * scale
                wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) * scale
                wa = 1.0 - wb - wc
                if wa < -1e-5 or wb < -1e-5 or wc < -1e-5:
                    continue
                z = wa * vertices[a, 2] + wb * vertices[b, 2] + wc * vertices[c, 2]
                if z <= depth[y, x]:
                    continue
                if rows > 0:
                    u = int(wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0] + 0.5)
                    v = int(wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1] + 0.5)
                    if alpha_texture[min(max(v, 0), rows - 1), min(max(u, 0), columns - 1)] == 0:
                        continue
                depth[y, x] = z
                index[y, x] = t
                bary[y, x, 0] = wb
                bary[y, x, 1] = wc


@njit(cache=True, nogil=True, fastmath=True)
def shade(triangles, uv, colour, texture, index, bary, frame):
    """Composite the visible triangles over `frame` (h, w, 4) float32 premultiplied RGBA 0..255 (alpha 0..1).

    texture: (th, tw, 4) uint8 straight RGBA, sampled bilinearly at uv texels; colour: (V, 4) float32 multiplies it.
    An empty texture (0, 0, 4) is white.
    """
    height, width = index.shape
    rows, columns = texture.shape[0], texture.shape[1]
    for y in range(height):
        for x in range(width):
            t = index[y, x]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            wb, wc = bary[y, x, 0], bary[y, x, 1]
            wa = np.float32(1.0) - wb - wc
            red = wa * colour[a, 0] + wb * colour[b, 0] + wc * colour[c, 0]
            green = wa * colour[a, 1] + wb * colour[b, 1] + wc * colour[c, 1]
            blue = wa * colour[a, 2] + wb * colour[b, 2] + wc * colour[c, 2]
            alpha = wa * colour[a, 3] + wb * colour[b, 3] + wc * colour[c, 3]
            if rows > 0:
                u = wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0]
                v = wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1]
                u = min(max(u, np.float32(0.0)), np.float32(columns - 1))
                v = min(max(v, np.float32(0.0)), np.float32(rows - 1))
                u0, v0 = int(u), int(v)
                u1, v1 = min(u0 + 1, columns - 1), min(v0 + 1, rows - 1)
                fu, fv = u - np.float32(u0), v - np.float32(v0)
                w00 = (1 - fu) * (1 - fv)
                w01 = fu * (1 - fv)
                w10 = (1 - fu) * fv
                w11 = fu * fv
                a00 = w00 * texture[v0, u0, 3]
                a01 = w01 * texture[v0, u1, 3]
                a10 = w10 * texture[v1, u0, 3]
                a11 = w11 * texture[v1, u1, 3]
                total = a00 + a01 + a10 + a11
                if total <= 0.0:
                    continue
                inverse = np.float32(1.0) / total
                red *= (a00 * texture[v0, u0, 0] + a01 * texture[v0, u1, 0] + a10 * texture[v1, u0, 0] + a11 * texture[v1, u1, 0]) * inverse
                green *= (a00 * texture[v0, u0, 1] + a01 * texture[v0, u1, 1] + a10 * texture[v1, u0, 1] + a11 * texture[v1, u1, 1]) * inverse
                blue *= (a00 * texture[v0, u0, 2] + a01 * texture[v0, u1, 2] + a10 * texture[v1, u0, 2] + a11 * texture[v1, u1, 2]) * inverse
                alpha *= total * np.float32(1.0 / 255.0)
            else:
                red *= 255.0
                green *= 255.0
                blue *= 255.0
            keep = np.float32(1.0) - alpha
            frame[y, x, 0] = frame[y, x, 0] * keep + red * alpha
            frame[y, x, 1] = frame[y, x, 1] * keep + green * alpha
            frame[y, x, 2] = frame[y, x, 2] * keep + blue * alpha
            frame[y, x, 3] = frame[y, x, 3] * keep + alpha


def rasterise_attributes(vertices: np.ndarray, triangles: np.ndarray, attributes: np.ndarray,
                         size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate per-vertex values over the visible surface.

    vertices (V, 3) in pixels, attributes (V, K), size (width, height) -> values (h, w, K) float32 and hit mask (h, w) bool.
    """
    width, height = size
    depth = np.full((height, width), -np.inf, np.float32)
    index = np.full((height, width), EMPTY, np.int32)
    bary = np.zeros((height, width, 2), np.float32)
    triangles = np.ascontiguousarray(triangles, np.int32)
    visibility(np.ascontiguousarray(vertices, np.float32), triangles, np.zeros((len(vertices), 2), np.float32),
               np.zeros((0, 0), np.uint8), depth, index, bary, 0, 0)
    hit = index >= 0
    corners = triangles[index[hit]]
    wb, wc = bary[hit, 0:1], bary[hit, 1:2]
    values = np.zeros((height, width, attributes.shape[1]), np.float32)
    values[hit] = (1 - wb - wc) * attributes[corners[:, 0]] + wb * attributes[corners[:, 1]] + wc * attributes[corners[:, 2]]
    return values, hit
