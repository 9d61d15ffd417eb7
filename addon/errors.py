"""What the add-on raises on purpose: one line for the person, and whatever helps a report."""


class AddonError(Exception):
    """Its text is fit to show as it is. `code` and `exit_code` follow the engine's family (docs/manual.md).

    details: longer text for the report (the engine's log, a command's output), not shown in the status bar.
    """

    def __init__(self, message: str, *, code: str = "error", exit_code: int = 1, details: str = "") -> None:
        super().__init__(message)
        self.code, self.exit_code, self.details = code, exit_code, details


class FileError(AddonError):
    """A file made by the engine cannot be read."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="bad_file", exit_code=8)


class EngineMissing(AddonError):
    """There is no engine to run."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="no_engine", exit_code=7)
