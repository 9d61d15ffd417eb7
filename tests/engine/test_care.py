"""The cache's size and its Clear, which devices can be used, and what the worker tells of them."""

import sys
import types

import pytest
import torch

from soliloquy.engine.cache import cache_folder, cache_usage, cached, clear_cache
from soliloquy.engine.device import CPU, DEVICE_VARIABLE, DEVICES, chosen_device, devices
from soliloquy.engine.errors import AudioError, InputError
from soliloquy.engine.files import whole_file
from soliloquy.engine.live.sources import microphones
from soliloquy.engine.render.pose import Poser
from soliloquy.engine.tasks import carry_out


class Noun:
    """Something that can be kept."""

    def __init__(self, text: str) -> None:
        self.text = text

    def save(self, path) -> None:
        with whole_file(path) as temporary:
            temporary.write_text(self.text)

    @classmethod
    def load(cls, path) -> "Noun":
        return cls(path.read_text())


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SOLILOQUY_CACHE", str(tmp_path / "home"))
    return tmp_path / "home"


def keep(text: str) -> bool:
    """Whether it was known."""
    return cached("portrait", {"text": text}, ".portrait", Noun.load, lambda: Noun(text))[1]


def test_size_is_that_of_what_is_kept(folder):
    assert cache_usage() == (0, 0)
    keep("four"), keep("seven!!")
    assert cache_usage() == (2, 11) and cache_folder() == folder
    assert carry_out({"command": "installation"}, lambda *_: None)["cache"] == {"folder": str(folder), "files": 2, "bytes": 11}


def test_clearing_takes_the_caches_own_and_nothing_else(folder):
    """Somebody chose a folder that is not empty, with names that look alike, and a link to elsewhere."""
    keep("one"), keep("two")
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    name = "0" * 64 + ".json"
    (elsewhere / name).write_text("not ours")
    (folder / "speech").symlink_to(elsewhere)
    others = [folder / "ada.portrait", folder / name, folder / "portrait" / "ada.portrait", folder / "portrait" / ("0" * 64 + ".png"),
              folder / "portrait" / ("g" * 64 + ".portrait"), elsewhere / name]
    for other in others:
        other.write_text("not ours")
    (folder / "portrait" / f".{'a' * 64}.0123abcd.portrait").write_text("half written")
    assert carry_out({"command": "clear_cache"}, lambda *_: None) == {"folder": str(folder), "files": 3, "bytes": 18}
    assert all(other.read_text() == "not ours" for other in others)
    assert cache_usage() == (0, 0) and not keep("one") and keep("one")


def test_an_empty_cache_leaves_no_folders(folder):
    keep("one")
    clear_cache()
    assert list(folder.iterdir()) == []
    assert clear_cache() == (0, 0)


def test_the_processor_can_always_be_used_and_is_the_default(monkeypatch):
    monkeypatch.delenv(DEVICE_VARIABLE, raising=False)
    told = {device.name: device.why_not for device in devices()}
    assert tuple(told) == DEVICES and told[CPU] == "" and chosen_device() == torch.device("cpu")


def test_what_is_said_of_a_device_is_what_torch_does(monkeypatch):
    """A device that is offered computes; one that is not is refused with the reason that was given."""
    for device in devices():
        monkeypatch.setenv(DEVICE_VARIABLE, device.name)
        if device.why_not:
            with pytest.raises(InputError) as refused:
                chosen_device()
            assert device.why_not in str(refused.value)
        else:
            assert float((torch.ones(2, device=chosen_device()) * 2).sum().cpu()) == 4
    monkeypatch.setenv(DEVICE_VARIABLE, "abacus")
    with pytest.raises(InputError, match="abacus"):
        chosen_device()


def test_microphones_are_listed_or_it_is_said_why_not(monkeypatch):
    told = carry_out({"command": "installation"}, lambda *_: None)
    assert bool(told["microphones"]) != bool(told["no_microphone"]), "one or the other, on this machine as it is"
    devices = [{"name": "USB Mic", "max_input_channels": 1}, {"name": "Speakers", "max_input_channels": 0},
               {"name": "USB Mic", "max_input_channels": 2}]
    monkeypatch.setitem(sys.modules, "sounddevice", types.SimpleNamespace(query_devices=lambda: devices))
    assert microphones() == ["USB Mic"]
    del devices[2], devices[0]
    with pytest.raises(AudioError, match="no microphone"):
        microphones()


@pytest.mark.parametrize("name", ["astronaut", "three_quarters"])
def test_posing_stays_on_one_device(name, request):
    """Torch's device without memory refuses to mix with others: every tensor of a part is on the device that was asked for, as it
    has to be on a graphics card, which the machine of the tests may not have."""
    portrait = request.getfixturevalue(name)
    poser = Poser(portrait, torch.device("meta"))
    channels = max(len(deltas) for _, deltas, _ in poser.parts.values() if deltas is not None)
    asked = [torch.zeros(2, *shape, device="meta") for shape in ((channels,), (3, 3), (3,), (2, 2))]
    deeper = poser._turned_away(torch.eye(3).repeat(2, 1, 1)) if poser.deeper else {}
    assert ("person" in deeper) == (name == "three_quarters")
    for name, part in portrait.parts.items():
        posed = poser._pose_part(name, deeper.get(name), *asked)
        assert posed.device.type == "meta" and posed.shape == (2, len(part.vertices), 3)
