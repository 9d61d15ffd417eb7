"""What the add-on raises on purpose: one line for the person, and whatever helps a report."""

import errno
import traceback

EXIT_CODES = {"error": 1, "bad_input": 2, "no_rights": 2, "bad_image": 3, "no_face": 4, "bad_audio": 5, "bad_output": 6,
              "bad_model": 7, "bad_file": 8, "cancelled": 130}
"""Error code -> exit status, as `engine/errors.py` has them (a test holds the two together)."""


class AddonError(Exception):
    """Its text is fit to show as it is. `code` is one of EXIT_CODES.

    details: longer text for the report (the engine's log, a command's output), not shown in the status bar.
    """

    def __init__(self, message: str, *, code: str = "error", details: str = "") -> None:
        super().__init__(message)
        self.code, self.details = code, details

    @property
    def exit_code(self) -> int:
        """The process's exit status when a command ends with this error."""
        return EXIT_CODES.get(self.code, 1)


def refused(error: OSError) -> AddonError:
    """What the system would not do (a full disk, a folder without permission), in one line."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return AddonError(f"The disk is full{where}. Free some space, or choose another folder.", code="bad_output")
    return AddonError(f"The system refuses: {error.strerror or error}{where}.", code="bad_output")


def unforeseen(error: Exception) -> AddonError:
    """An error of our own making, in one line; its traceback is for the report."""
    return AddonError(f"Something went wrong inside Soliloquy ({type(error).__name__}: {error}). The scene is as it was. Please send us "
                      "what Copy Report gives.", details="".join(traceback.format_exception(error)))


class FileError(AddonError):
    """A file made by the engine cannot be read."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="bad_file")


class EngineMissing(AddonError):
    """There is no engine to run."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="bad_model")


class EngineNotInstalled(EngineMissing):
    """No engine was installed and none was chosen."""

    def __init__(self) -> None:
        super().__init__("The engine is not installed. Set it up in the add-on's preferences.")
