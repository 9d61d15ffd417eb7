"""A small software rasteriser: triangles with depth, colour and texture into a picture. Compiled by numba, releases the GIL.

Every mesh is drawn in two passes: `visibility` finds the nearest triangle at each pixel, `shade` samples the texture there
and composites it over what is already drawn. Where a surface folds over itself (`folds`) or ends against nothing (`outlines`), pixels are
sampled more finely.
Pixel centres lie at integer coordinates, as in MediaPipe and OpenCV.
"""

from __future__ import annotations

import numpy as np
from numba import njit

EVERYWHERE = np.zeros((0, 0), np.uint8)
"""No mask: every pixel; as an alpha texture: no holes."""

EMPTY = -1
"""Triangle index of a pixel that no triangle covers."""


FINE = 2
"""Samples per pixel and axis where a surface folds or ends."""

FOLD_TEXELS = 2.5
"""Neighbouring pixels whose texels lie further apart than this (beyond the surface's own stretch) see different sheets of it."""

WITHIN_MATTE_TEXELS = 2
"""What lies so many texels within a matte and still ends has turned out of sight there; nearer to the matte's edge its alpha is soft."""
HARD_END = np.float32(0.75)
"""A surface whose vertices' alpha is less where it ends is soft there already."""

CUBIC = np.float32(-0.75)
"""Slope of the cubic between texels (Keys 1981, "Cubic convolution interpolation for digital image processing"). With this one
a surface that drifts by parts of a pixel keeps its sharpness to 2 %, with -0.5 to 7 %; bilinearly it pulses by 18 %."""

ON_TEXEL = np.float32(2 ** -10)
"""A place that is short of a texel by less counts as on it, where that decides about holes and opaque edges: at rest many pixels
lie on texels, and the last bit of their arithmetic, which is not the same on every device, is not to decide."""


@njit(cache=True, nogil=True, fastmath=True)
def visibility(vertices, triangles, uv, alpha_texture, wanted, depth, index, bary, left, top):
    """Find the nearest triangle at each pixel of a window.

    vertices: (V, 3) float32, x right, y down in pixels of the frame, z towards the camera.
    uv: (V, 2) float32 in texels of alpha_texture (h, w) uint8; texels with alpha 0 are holes. Empty texture (0, 0): no holes.
    wanted: (h / FINE, w / FINE) uint8, pixels of a coarser window to look at; empty (0, 0): all of this one.
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
                if wanted.shape[0] > 0 and wanted[y // FINE, x // FINE] == 0:
                    continue
                wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * scale
                wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) * scale
                wa = 1.0 - wb - wc
                if wa < -1e-5 or wb < -1e-5 or wc < -1e-5:
                    continue
                z = wa * vertices[a, 2] + wb * vertices[b, 2] + wc * vertices[c, 2]
                if z <= depth[y, x]:
                    continue
                if rows > 0:
                    u = int(wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0] + 0.5 + ON_TEXEL)
                    v = int(wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1] + 0.5 + ON_TEXEL)
                    if alpha_texture[min(max(v, 0), rows - 1), min(max(u, 0), columns - 1)] == 0:
                        continue
                depth[y, x] = z
                index[y, x] = t
                bary[y, x, 0] = wb
                bary[y, x, 1] = wc


@njit(cache=True, nogil=True, fastmath=True)
def folds(triangles, uv, index, bary, marked) -> int:
    """Mark (h, w) uint8 the pixels on either side of a fold: both covered, but by different sheets of the surface.

    Returns how many are marked. Matte and mesh edges are no folds.
    """
    height, width = index.shape
    texels = np.empty((height, width, 2), np.float32)
    for y in range(height):
        for x in range(width):
            t = index[y, x]
            if t >= 0:
                a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                wb, wc = bary[y, x, 0], bary[y, x, 1]
                wa = np.float32(1.0) - wb - wc
                texels[y, x, 0] = wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0]
                texels[y, x, 1] = wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1]
    count = 0
    for y in range(height - 1):
        for x in range(width - 1):
            if index[y, x] < 0:
                continue
            for dy, dx in ((0, 1), (1, 0)):
                if index[y + dy, x + dx] < 0:
                    continue
                jump = abs(texels[y + dy, x + dx, 0] - texels[y, x, 0]) + abs(texels[y + dy, x + dx, 1] - texels[y, x, 1])
                if jump > FOLD_TEXELS:
                    count += 2
                    marked[y, x] = 1
                    marked[y + dy, x + dx] = 1
    return count


@njit(cache=True, nogil=True, fastmath=True)
def outlines(triangles, uv, colour, within, index, bary, marked) -> int:
    """Mark (h, w) uint8 the pixels on either side of where a surface that turns out of sight ends against nothing.

    within: (th, tw) uint8, the texels that lie within the matte (WITHIN_MATTE_TEXELS); elsewhere the matte's alpha softens an end.
    Returns how many are marked.
    """
    height, width = index.shape
    rows, columns = within.shape
    count = 0
    for y in range(height):
        for x in range(width):
            for dy, dx in ((0, 1), (1, 0)):
                if y + dy >= height or x + dx >= width or (index[y, x] < 0) == (index[y + dy, x + dx] < 0):
                    continue
                own_y, own_x = (y, x) if index[y, x] >= 0 else (y + dy, x + dx)
                t = index[own_y, own_x]
                a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                wb, wc = bary[own_y, own_x, 0], bary[own_y, own_x, 1]
                wa = np.float32(1.0) - wb - wc
                if wa * colour[a, 3] + wb * colour[b, 3] + wc * colour[c, 3] < HARD_END:
                    continue
                u = int(wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0] + 0.5 + ON_TEXEL)
                v = int(wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1] + 0.5 + ON_TEXEL)
                if within[min(max(v, 0), rows - 1), min(max(u, 0), columns - 1)]:
                    count += 2
                    marked[y, x] = 1
                    marked[y + dy, x + dx] = 1
    return count


@njit(inline="always")
def cubic_weights(f):
    """Keys' weights of four texels in a row, for a place that lies the share f between the second and the third."""
    one, two, three = np.float32(1.0), np.float32(2.0), np.float32(3.0)
    first = CUBIC * f * (one - f) * (one - f)
    second = ((CUBIC + two) * f - (CUBIC + three)) * f * f + one
    fourth = CUBIC * (one - f) * f * f
    return first, second, one - first - second - fourth, fourth


@njit(inline="always")
def cubic(texture, u0, v0, fu, fv):
    """(are the 4 x 4 texels around opaque, red, green, blue 0..255) at the shares fu, fv from texel v0, u0 towards the next."""
    across, down = cubic_weights(fu), cubic_weights(fv)
    red = green = blue = np.float32(0.0)
    solid = 255
    for row in range(4):
        for column in range(4):
            weight = down[row] * across[column]
            y, x = v0 + row - 1, u0 + column - 1
            solid &= texture[y, x, 3]
            red += weight * texture[y, x, 0]
            green += weight * texture[y, x, 1]
            blue += weight * texture[y, x, 2]
    least, most = np.float32(0.0), np.float32(255.0)
    return solid == 255, min(max(red, least), most), min(max(green, least), most), min(max(blue, least), most)


@njit(inline="always")
def sample(triangles, uv, colour, texture, t, wb, wc):
    """(red, green, blue 0..255, the vertices' alpha 0..1, the texture's alpha 0..1) of triangle t at weights wb, wc."""
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    wa = np.float32(1.0) - wb - wc
    red = wa * colour[a, 0] + wb * colour[b, 0] + wc * colour[c, 0]
    green = wa * colour[a, 1] + wb * colour[b, 1] + wc * colour[c, 1]
    blue = wa * colour[a, 2] + wb * colour[b, 2] + wc * colour[c, 2]
    alpha = wa * colour[a, 3] + wb * colour[b, 3] + wc * colour[c, 3]
    rows, columns = texture.shape[0], texture.shape[1]
    if rows == 0:
        white = np.float32(255.0)
        return red * white, green * white, blue * white, alpha, np.float32(1.0)
    u = wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0]
    v = wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1]
    u = min(max(u, np.float32(0.0)), np.float32(columns - 1))
    v = min(max(v, np.float32(0.0)), np.float32(rows - 1))
    u0, v0 = int(u + ON_TEXEL), int(v + ON_TEXEL)
    if 1 <= u0 < columns - 2 and 1 <= v0 < rows - 2:
        opaque, texel_red, texel_green, texel_blue = cubic(texture, u0, v0, u - np.float32(u0), v - np.float32(v0))
        if opaque:
            return red * texel_red, green * texel_green, blue * texel_blue, alpha, np.float32(1.0)
    u0, v0 = int(u), int(v)
    fu, fv = u - np.float32(u0), v - np.float32(v0)
    u1, v1 = min(u0 + 1, columns - 1), min(v0 + 1, rows - 1)
    one = np.float32(1.0)
    a00 = (one - fu) * (one - fv) * texture[v0, u0, 3]
    a01 = fu * (one - fv) * texture[v0, u1, 3]
    a10 = (one - fu) * fv * texture[v1, u0, 3]
    a11 = fu * fv * texture[v1, u1, 3]
    total = a00 + a01 + a10 + a11
    if total <= 0.0:
        return np.float32(0.0), np.float32(0.0), np.float32(0.0), alpha, np.float32(0.0)
    inverse = one / total
    red *= (a00 * texture[v0, u0, 0] + a01 * texture[v0, u1, 0] + a10 * texture[v1, u0, 0] + a11 * texture[v1, u1, 0]) * inverse
    green *= (a00 * texture[v0, u0, 1] + a01 * texture[v0, u1, 1] + a10 * texture[v1, u0, 1] + a11 * texture[v1, u1, 1]) * inverse
    blue *= (a00 * texture[v0, u0, 2] + a01 * texture[v0, u1, 2] + a10 * texture[v1, u0, 2] + a11 * texture[v1, u1, 2]) * inverse
    return red, green, blue, alpha, total * np.float32(1.0 / 255.0)


@njit(inline="always")
def kept(behind, alpha, covers):
    """How much stays of what is `behind` (its alpha) something of `alpha` that takes the place of a share `covers` of it: the pixel
    never grows less opaque, a soft edge before another surface is no hole."""
    if behind > np.float32(1e-6) and alpha < covers * behind:
        return np.float32(1.0) - alpha / behind
    return np.float32(1.0) - covers


@njit(cache=True, nogil=True, fastmath=True)
def shade(triangles, uv, colour, texture, index, bary, skip, replace, frame):
    """Composite the visible triangles with `frame` (h, w, 4) float32 premultiplied RGBA 0..255 (alpha 0..1).

    replace: False lays them over the frame by both alphas; True puts them in its place by the vertices' alpha alone, the
    texture's becoming the frame's unless that is larger: a part that shares its matte with what it covers does not count the matte twice.

    texture: (th, tw, 4) uint8 straight RGBA, sampled at uv texels by a cubic, where it is opaque, and bilinearly at its edges;
    colour: (V, 4) float32 multiplies it.
    An empty texture (0, 0, 4) is white. skip: (h, w) uint8, pixels left to `shade_finer`; empty: none.
    """
    height, width = index.shape
    for y in range(height):
        for x in range(width):
            if index[y, x] < 0 or (skip.shape[0] > 0 and skip[y, x]):
                continue
            red, green, blue, mixed, matte = sample(triangles, uv, colour, texture, index[y, x], bary[y, x, 0], bary[y, x, 1])
            alpha = mixed * matte
            keep = kept(frame[y, x, 3], alpha, mixed if replace else alpha)
            frame[y, x, 0] = frame[y, x, 0] * keep + red * alpha
            frame[y, x, 1] = frame[y, x, 1] * keep + green * alpha
            frame[y, x, 2] = frame[y, x, 2] * keep + blue * alpha
            frame[y, x, 3] = frame[y, x, 3] * keep + alpha


@njit(cache=True, nogil=True, fastmath=True)
def shade_finer(triangles, uv, colour, texture, fine_index, fine_bary, marked, replace, frame):
    """As `shade`, the marked pixels, from FINE x FINE samples each: fine_index (h * FINE, w * FINE), fine_bary likewise."""
    height, width = marked.shape
    share = np.float32(1.0 / (FINE * FINE))
    for y in range(height):
        for x in range(width):
            if marked[y, x] == 0:
                continue
            red_sum = green_sum = blue_sum = alpha_sum = mixed_sum = np.float32(0.0)
            for sub_y in range(y * FINE, y * FINE + FINE):
                for sub_x in range(x * FINE, x * FINE + FINE):
                    t = fine_index[sub_y, sub_x]
                    if t < 0:
                        continue
                    red, green, blue, mixed, matte = sample(triangles, uv, colour, texture, t, fine_bary[sub_y, sub_x, 0],
                                                            fine_bary[sub_y, sub_x, 1])
                    alpha = mixed * matte
                    mixed_sum += mixed * share
                    red_sum += red * alpha * share
                    green_sum += green * alpha * share
                    blue_sum += blue * alpha * share
                    alpha_sum += alpha * share
            keep = kept(frame[y, x, 3], alpha_sum, mixed_sum if replace else alpha_sum)
            frame[y, x, 0] = frame[y, x, 0] * keep + red_sum
            frame[y, x, 1] = frame[y, x, 1] * keep + green_sum
            frame[y, x, 2] = frame[y, x, 2] * keep + blue_sum
            frame[y, x, 3] = frame[y, x, 3] * keep + alpha_sum


@njit(cache=True, nogil=True, fastmath=True)
def lay_over(front, back, picture):
    """Premultiplied `front` over opaque `back`, (h, w, 4) float32 0..255 each, as `picture` (h, w, 3) uint8."""
    for y in range(front.shape[0]):
        for x in range(front.shape[1]):
            keep = np.float32(1.0) - front[y, x, 3]
            for k in range(3):
                value = front[y, x, k] + back[y, x, k] * keep
                picture[y, x, k] = np.uint8(min(max(value, np.float32(0.0)), np.float32(255.0)) + np.float32(0.5))


@njit(cache=True, nogil=True, fastmath=True)
def straighten(front, picture):
    """Premultiplied `front` (h, w, 4) float32, alpha 0..1, as straight RGBA `picture` (h, w, 4) uint8."""
    half, most = np.float32(0.5), np.float32(255.0)
    for y in range(front.shape[0]):
        for x in range(front.shape[1]):
            alpha = min(max(front[y, x, 3], np.float32(0.0)), np.float32(1.0))
            inverse = np.float32(1.0) / alpha if alpha > 1e-6 else np.float32(0.0)
            for k in range(3):
                picture[y, x, k] = np.uint8(min(max(front[y, x, k] * inverse, np.float32(0.0)), most) + half)
            picture[y, x, 3] = np.uint8(alpha * most + half)


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
               EVERYWHERE, EVERYWHERE, depth, index, bary, 0, 0)
    hit = index >= 0
    corners = triangles[index[hit]]
    wb, wc = bary[hit, 0:1], bary[hit, 1:2]
    values = np.zeros((height, width, attributes.shape[1]), np.float32)
    values[hit] = (1 - wb - wc) * attributes[corners[:, 0]] + wb * attributes[corners[:, 1]] + wc * attributes[corners[:, 2]]
    return values, hit
