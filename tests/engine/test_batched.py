"""Frames from a graphics card are those of the processor: tried with torch's own processor device, and with CUDA where it is."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from soliloquy.engine import device as device_choice
from soliloquy.engine.device import DEVICE_VARIABLE, DRAWS, choose_device, devices
from soliloquy.engine.errors import Cancelled, InputError, SoliloquyError
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.measure.endurance import restless_clip
from soliloquy.engine.measure.frame_stages import time_stages
from soliloquy.engine.render.batched import raster, stream
from soliloquy.engine.render.batched.canvas import Canvas, Layer, Worn
from soliloquy.engine.render.batched.drawing import Easel
from soliloquy.engine.render.batched.stream import Batches
from soliloquy.engine.render.batched.texture import Texture
from soliloquy.engine.render.drawing import _draw_part
from soliloquy.engine.render.pose import Poser
from soliloquy.engine.render.render import render
from soliloquy.engine.render.stage import Stage

WHY_NOT = {device.name: device.why_not for device in devices()}
DEVICES = [pytest.param(name, marks=pytest.mark.skipif(bool(WHY_NOT[name]), reason=WHY_NOT[name] or "-")) for name in ("cpu", *DRAWS)]
MOST_LEVELS, MOST_DIFFERENT, MOST_TIES = 2, 0.02, 1
"""No pixel differs by more of 255 levels, but one in a clip where a surface lies at FOLD_TEXELS to the last bit, so that one draws it as
a fold and the other does not (the astronaut's is 2.49999 at one pixel). No larger share of a frame's pixels differs at all: half as many do, by one level, where a picture
comes to lie half a pixel beside the frame's, so that its values end in .5 and the last bit rounds them up or down."""


def eight_poses() -> MotionClip:
    """Rest, turned, a grin, a blink, a look, turned the other way and pouting, the tongue out near the camera, far and looking down."""
    clip = MotionClip.neutral(8)
    expressions = {2: {"jawOpen": 0.6, "mouthSmileLeft": 0.5, "mouthSmileRight": 0.5}, 3: {"eyeBlinkLeft": 1, "eyeBlinkRight": 0.5},
                   5: {"jawOpen": 0.2, "mouthPucker": 0.8}, 6: {"jawOpen": 0.5, "tongueOut": 1, "browInnerUp": 1, "cheekSquintLeft": 1},
                   7: {"jawOpen": 0.3, "mouthClose": 0.3, "eyeLookDownLeft": 1, "eyeLookDownRight": 1}}
    for frame, expression in expressions.items():
        for channel, value in expression.items():
            clip.channels[frame, CHANNEL_INDEX[channel]] = value
    clip.head_rotation_deg[[1, 5, 7]] = (20, -8, 6), (-22, 15, -12), (5, -18, 0)
    clip.gaze_deg[4] = (16, 6)
    clip.head_translation_m[[6, 7]] = (0.05, 0.02, 0.2), (0, 0, -0.2)
    return clip


def frames_on(device: str, portrait, clip, size, alpha) -> list[np.ndarray]:
    poser = Poser(portrait, torch.device(device))
    return list(Batches(Stage(portrait, size, alpha, poser.home), poser, clip).frames())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name, size, alpha", [("astronaut", (160, 160), False), ("astronaut", (100, 144), True),
                                               ("hopper", (151, 100), False), ("three_quarters", (128, 150), True)])
def test_every_pose_is_drawn_as_the_processor_draws_it(name, size, alpha, device, request):
    clip = eight_poses()
    portrait = dataclasses.replace(request.getfixturevalue(name), border_px=(30, 41, 0, 25) if name == "hopper" else (0, 0, 0, 0))
    here = list(render(portrait, clip, size=size, alpha=alpha))
    there = frames_on(device, portrait, clip, size, alpha)
    assert len(there) == len(clip)
    ties = 0
    for one, other in zip(here, there):
        assert one.shape == other.shape and other.dtype == np.uint8
        difference = np.abs(one.astype(int) - other).max(axis=2)
        assert (difference > 0).mean() < MOST_DIFFERENT
        ties += int((difference > MOST_LEVELS).sum())
    assert ties <= MOST_TIES
    apart = [np.abs(there[0].astype(int) - moved).max() for moved in there[1:]]
    assert min(apart) > 10 * MOST_LEVELS, "no pose passes for rest"


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("replace", [False, True])
def test_a_heap_of_triangles_is_drawn_as_the_processor_draws_it(device, replace, monkeypatch):
    """Triangles that cover, pierce and fold over one another and end, with holes in their texture, looked at a few hundred pixels at a time."""
    monkeypatch.setattr(raster, "FRAGMENTS_AT_ONCE", 700)
    random, size, there = np.random.default_rng(3), (61, 47), torch.device(device)
    vertices = (random.uniform((-9, -9, -5), (70, 56, 5), (2, 60, 3))).astype(np.float32)
    triangles = random.integers(0, 60, (50, 3)).astype(np.int32)
    texels = random.uniform(-2, 42, (60, 2)).astype(np.float32)
    colour = random.uniform(0, 1, (60, 4)).astype(np.float32)
    image = np.kron(random.integers(0, 256, (10, 10, 4)), np.ones((4, 4, 1))).astype(np.uint8)
    image[..., 3] = np.kron(random.choice([0, 130, 255, 255], (5, 5)), np.ones((8, 8)))
    within = (image[..., 3] == 255).astype(np.uint8) if replace else None
    canvas = Canvas(2, size, there)
    looks = np.broadcast_to(np.concatenate([colour, texels], axis=1), (2, 60, 6)).copy()
    layer = Layer(torch.from_numpy(triangles).long().to(there), Texture(image, there), replace,
                  torch.from_numpy(within > 0).flatten().to(there) if replace else None)
    worn = Worn(layer, torch.from_numpy(vertices).to(there), torch.from_numpy(looks).to(there))
    canvas.draw([worn, Worn(layer, worn.vertices.flip(0), worn.looks)])
    for frame in range(2):
        window, depth = np.zeros((size[1], size[0] + 1, 4), np.float32)[:, :-1], np.full(size[::-1], -np.inf, np.float32)
        part = type("Part", (), {"triangles": triangles, "texture": "image"})
        for placed in (vertices[frame], vertices[1 - frame]):
            _draw_part(window, depth, 0, 0, placed, part, texels, colour, image, replace, within)
        difference = np.abs(canvas.colour[frame].cpu().numpy() - window)
        assert (window > 0).mean() > 0.5 and (difference.max(axis=2) > 0.2).sum() <= 2, "but where a last bit decides"


@pytest.mark.parametrize("holds", [5, 1])
def test_too_little_memory_makes_batches_smaller(astronaut, monkeypatch, holds):
    clip, size, draw, tried = eight_poses(), (32, 32), Easel.draw, []

    def short_of_memory(easel, frames):
        tried.append(len(frames))
        if len(frames) > holds:
            raise torch.OutOfMemoryError("out of memory")
        return draw(easel, frames)

    whole = frames_on("cpu", astronaut, clip, size, False)
    monkeypatch.setattr(Easel, "draw", short_of_memory)
    assert np.array_equal(frames_on("cpu", astronaut, clip, size, False), whole)
    assert tried[0] == 8 and max(tried[-2:]) <= holds


def test_a_card_that_cannot_hold_one_frame_is_told_in_one_line(astronaut, monkeypatch):
    def nothing_fits(easel, frames):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(Easel, "draw", nothing_fits)
    with pytest.raises(SoliloquyError, match="64 x 48.*cpu"):
        frames_on("cpu", astronaut, eight_poses(), (64, 48), False)


@pytest.fixture
def tensors_draw(monkeypatch):
    """The processor counts as a device that draws."""
    monkeypatch.setattr(device_choice, "DRAWS", ("cpu",))


def test_render_draws_on_the_device_that_draws(astronaut, monkeypatch, request):
    clip, asked = eight_poses(), []
    here = list(render(astronaut, clip, size=(64, 64)))
    request.getfixturevalue("tensors_draw")
    monkeypatch.setattr(stream, "MOST_FRAMES", 3)
    there = list(render(astronaut, clip, size=(64, 64), progress=lambda *step: asked.append(step)))
    assert asked == [("render", done, 8) for done in range(1, 9)]
    assert 0 < np.abs(np.array(here).astype(int) - there).max() <= MOST_LEVELS, "drawn another way, and the same"

    def stop(stage, done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(render(astronaut, clip, size=(64, 64), progress=stop))


CARD = torch.device("cpu", 0)


class OnCard(torch.Tensor):
    """A tensor that, as those of a graphics card do, refuses to meet others but single numbers."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function == torch.Tensor.device.__get__:
            return CARD
        given = list(args) + list((kwargs or {}).values())
        while any(isinstance(one, (list, tuple)) for one in given):
            given = [one for group in given for one in (group if isinstance(group, (list, tuple)) else [group])]
        strangers = [one for one in given if isinstance(one, torch.Tensor) and not isinstance(one, OnCard) and one.dim()]
        assert not strangers, f"{function} is given tensors of two devices"
        result = super().__torch_function__(function, types, args, kwargs)
        return result.as_subclass(torch.Tensor) if function in (torch.Tensor.cpu, torch.Tensor.numpy) and torch.is_tensor(result) else result


class Card(TorchFunctionMode):
    """What is made or moved there is on the card."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        there = kwargs.get("device") == CARD or (function is torch.Tensor.to and CARD in args[1:])
        return result.as_subclass(OnCard) if there and torch.is_tensor(result) else result


@pytest.mark.parametrize("alpha", [False, True])
def test_no_tensor_stays_behind(hopper, alpha, tensors_draw):
    def drawn(device):
        poser = Poser(hopper, device)
        stage = Stage(hopper, (48, 48), alpha, poser.home)
        return Easel(stage, device).draw(stage.dress(poser.pose_together(eight_poses(), 5, 7)))

    here = drawn(torch.device("cpu"))
    with Card():
        there = drawn(CARD)
    assert isinstance(there, OnCard) and torch.equal(here, there.cpu())
    with pytest.raises(AssertionError, match="two devices"):
        there + here


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("tensors", [False, True])
def test_every_stage_is_timed(astronaut, device, tensors, monkeypatch, request):
    monkeypatch.setenv(DEVICE_VARIABLE, device)
    if tensors:
        request.getfixturevalue("tensors_draw")
        monkeypatch.setattr("soliloquy.engine.measure.frame_stages.FRAMES_DRAWN_THERE", 8)
    found = time_stages(astronaut, (32, 32), restless_clip)
    assert list(found.alone) == ["pose", "dress", "draw", *(["transfer"] if tensors or device in DRAWS else [])]
    assert min(found.alone.values()) > 0 < found.together and found.device == device in found.text()


def test_a_device_that_cannot_be_used_is_refused(monkeypatch):
    monkeypatch.setenv(DEVICE_VARIABLE, "cpu")
    choose_device("")
    with pytest.raises(InputError, match="abacus"):
        choose_device("abacus")
