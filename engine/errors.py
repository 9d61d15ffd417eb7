"""The errors a person can meet. Each says what happened, in which file, and what to do, in one line.

`code` names the error for machines (JSON events), `exit_code` is the process's exit status (documented in docs/manual.md).
"""


class SoliloquyError(Exception):
    """Base of everything the engine raises on purpose; its text is fit to show to a person as it is."""

    code = "error"
    exit_code = 1


class InputError(SoliloquyError):
    """A setting, argument or preset that cannot be used (unknown direction key, impossible frame rate or size)."""

    code = "bad_input"
    exit_code = 2


class NoRightsError(InputError):
    """Nothing says on what basis the person shown may be animated, or what is said does not hold (any more)."""

    code = "no_rights"


class ImageError(SoliloquyError):
    """The picture cannot be read, is truncated, or is too large or too small."""

    code = "bad_image"
    exit_code = 3


class NoFaceError(ImageError):
    """No face was found in the picture (or not the one asked for)."""

    code = "no_face"
    exit_code = 4


class AudioError(SoliloquyError):
    """The recording cannot be read, holds no sound, or is too short or too long."""

    code = "bad_audio"
    exit_code = 5


class OutputError(SoliloquyError):
    """The result cannot be written (folder not writable, disk full)."""

    code = "bad_output"
    exit_code = 6


class ModelError(SoliloquyError):
    """A model file is missing, does not match its SHA-256, or cannot be fetched."""

    code = "bad_model"
    exit_code = 7


class FormatError(SoliloquyError):
    """One of our own files (.portrait, motion clip, speech JSON, preset) or a capture file is damaged or of an unknown version."""

    code = "bad_file"
    exit_code = 8


class Cancelled(SoliloquyError):
    """The person asked to stop; what was finished is kept."""

    code = "cancelled"
    exit_code = 130
