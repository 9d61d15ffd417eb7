"""What the worker can be asked for about the installation itself: what runs here, what the cache holds. See tasks.py."""

from __future__ import annotations

from .progress import Progress


def installation(_request: dict, progress: Progress) -> dict:
    """Versions, the cache's folder and size, which devices can be used, and which microphones there are."""
    from .cache import cache_folder, cache_usage
    from .versions import versions
    progress("cache", 0, 2)
    files, size = cache_usage()
    progress("devices", 1, 2)
    from .device import devices
    names, no_microphone = _microphones()
    return {"versions": versions(), "cache": {"folder": str(cache_folder()), "files": files, "bytes": size},
            "devices": [device.as_json() for device in devices()], "microphones": names, "no_microphone": no_microphone}


def _microphones() -> tuple[list[str], str]:
    """Their names, or why there are none."""
    from .errors import AudioError
    from .live.sources import microphones
    try:
        return microphones(), ""
    except AudioError as error:
        return [], str(error)


def clear_cache(_request: dict, progress: Progress) -> dict:
    """Empty the cache; what is in its folder and not its own stays."""
    from .cache import cache_folder
    from .cache import clear_cache as clear
    files, size = clear(progress)
    return {"folder": str(cache_folder()), "files": files, "bytes": size}
