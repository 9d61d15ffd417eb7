"""The most likely course of sounds through frames of posteriors: free (any sound after any other) or along a given text.

Both give every sound a shortest duration; frames are HOP_S long (Viterbi 1967; Rabiner 1989 for the durations).
"""

from __future__ import annotations

import numba
import numpy as np

SHORTEST_FRAMES = 3
SWITCH_PENALTY = 1.5
"""Natural logarithm of what it costs to go on to another sound: the fewer sounds, the better."""

_FLOOR = 1e-5


def free_path(chances: np.ndarray) -> np.ndarray:
    """(T, C) probabilities -> (T,) the class of each frame; no class lasts less than SHORTEST_FRAMES (the last one may)."""
    return _free(np.log(np.maximum(chances, _FLOOR)).astype(np.float32), SHORTEST_FRAMES, np.float32(SWITCH_PENALTY))


def text_path(chances: np.ndarray, optional: np.ndarray, shortest: np.ndarray, *, whole: bool = True) -> np.ndarray:
    """(T,) which of S given sounds each frame is, in their order.

    chances: (T, S) probability of every given sound in every frame. optional: (S,) whether a sound may be left out (pauses
    between words); no two in a row. shortest: (S,) frames. whole: the text ends with the sound; if not, it may reach less far.
    Returns an empty array when the sound is too short for the text.
    """
    log = np.log(np.maximum(chances, _FLOOR)).astype(np.float32)
    return _text(log, optional.astype(np.bool_), shortest.astype(np.int64), whole)


@numba.njit(cache=True)
def _free(log, shortest, penalty):
    count, classes = log.shape
    score = np.full((shortest, classes), -np.inf, np.float32)
    score[0] = log[0]
    came = np.zeros((count, classes), np.int32)
    ran = np.zeros((count, classes), np.bool_)
    for t in range(1, count):
        best = 0
        for c in range(1, classes):
            if score[shortest - 1, c] > score[shortest - 1, best]:
                best = c
        enter = score[shortest - 1, best] - penalty
        for c in range(classes):
            stay = score[shortest - 1, c]
            step = score[shortest - 2, c]
            ran[t, c] = stay >= step
            score[shortest - 1, c] = max(stay, step) + log[t, c]
            for k in range(shortest - 2, 0, -1):
                score[k, c] = score[k - 1, c] + log[t, c]
            score[0, c] = enter + log[t, c]
            came[t, c] = best
    return _free_back(score, came, ran, shortest)


@numba.njit(cache=True)
def _free_back(score, came, ran, shortest):
    count, classes = came.shape
    path = np.zeros(count, np.int32)
    state = np.argmax(score)
    k, c = state // classes, state % classes
    for t in range(count - 1, -1, -1):
        path[t] = c
        if k == shortest - 1 and ran[t, c]:
            continue
        if k == 0:
            c = came[t, c]
            k = shortest - 1
        else:
            k -= 1
    return path


@numba.njit(cache=True)
def _text(log, optional, shortest, whole):
    count, sounds = log.shape
    first = np.zeros(sounds + 1, np.int64)
    for s in range(sounds):
        first[s + 1] = first[s] + shortest[s]
    states = first[sounds]
    sound = np.zeros(states, np.int64)
    for s in range(sounds):
        sound[first[s] : first[s + 1]] = s
    score = np.full(states, -np.inf, np.float32)
    score[0] = log[0, 0]
    if sounds > 1 and optional[0]:
        score[first[1]] = log[0, 1]
    back = np.zeros((count, states), np.int8)
    fresh = np.empty(states, np.float32)
    for t in range(1, count):
        for state in range(states):
            s = sound[state]
            best, move = -np.inf, 0
            if state == first[s + 1] - 1:
                best = score[state]
            if state > 0 and score[state - 1] > best:
                best, move = score[state - 1], 1
            if state == first[s] and s > 1 and optional[s - 1] and score[first[s - 1] - 1] > best:
                best, move = score[first[s - 1] - 1], 2
            fresh[state] = best + log[t, s]
            back[t, state] = move
        score[:] = fresh
    state = states - 1
    if whole and sounds > 1 and optional[sounds - 1] and score[first[sounds - 1] - 1] > score[state]:
        state = first[sounds - 1] - 1
    if not whole:
        state = np.argmax(score)
    path = np.zeros(count if score[state] > -np.inf else 0, np.int32)
    for t in range(len(path) - 1, -1, -1):
        path[t] = sound[state]
        if back[t, state] == 1:
            state -= 1
        elif back[t, state] == 2:
            state = first[sound[state] - 1] - 1
    return path
