"""Which processor makes the frames: the main one (render/drawing.py), or CUDA (render/batched). MPS only poses the vertices."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    import torch

DEVICE_VARIABLE = "SOLILOQUY_DEVICE"
"""Environment variable that names the device."""
CPU, CUDA, MPS = "cpu", "cuda", "mps"
DEVICES = (CPU, CUDA, MPS)
DRAWS = (CUDA,)
"""Devices that draw, in many frames at once; the others' frames are the main processor's work. MPS has no 64-bit atomic maximum,
which is how the nearest triangle is found."""


@dataclass(frozen=True)
class DeviceState:
    """Whether a device can be used here. why_not: "" when it can; detail: what it is, as its driver calls it."""

    name: str
    why_not: str
    detail: str

    def as_json(self) -> dict:
        """Plain JSON values."""
        return asdict(self)


def draws(device: torch.device) -> bool:
    """Whether frames are drawn there."""
    return device.type in DRAWS


def choose_device(name: str) -> None:
    """Let this process and those it starts use the device; "" changes nothing. Raises InputError when it cannot be used."""
    if name:
        os.environ[DEVICE_VARIABLE] = name
        chosen_device()


def devices() -> list[DeviceState]:
    """Every device and whether the installed torch reaches it; each that says so has added two numbers."""
    return [_tried(name) for name in DEVICES]


def chosen_device() -> torch.device:
    """The device SOLILOQUY_DEVICE names, the processor by default. Raises InputError when it cannot be used."""
    import torch

    name = os.environ.get(DEVICE_VARIABLE, "").strip().lower() or CPU
    if name not in DEVICES:
        raise InputError(f"There is no device {name!r} ({DEVICE_VARIABLE}). Devices: {', '.join(DEVICES)}.")
    if why_not := _tried(name).why_not if name != CPU else "":
        raise InputError(f"The device {name} cannot be used: {why_not}. Choose {CPU}.")
    return torch.device(name)


def _tried(name: str) -> DeviceState:
    import torch

    why_not = {CPU: "", CUDA: _no_cuda(), MPS: _no_mps()}[name]
    if not why_not and name != CPU:
        try:
            (torch.ones(1, device=name) + 1).cpu()
        except RuntimeError as error:
            why_not = (str(error).strip().splitlines() or ["it does not answer"])[0]
    return DeviceState(name, why_not, torch.cuda.get_device_name() if name == CUDA and not why_not else "")


def _no_cuda() -> str:
    import torch

    if torch.version.cuda is None and torch.version.hip is None:
        return f"the installed PyTorch ({torch.__version__}) is built for the processor only"
    return "" if torch.cuda.is_available() else "PyTorch finds no graphics card it can use, or no driver for it"


def _no_mps() -> str:
    import torch

    if not torch.backends.mps.is_built():
        return f"the installed PyTorch ({torch.__version__}) is built without Metal, which is for Macs"
    return "" if torch.backends.mps.is_available() else "this Mac has no Metal device, or its macOS is too old"
