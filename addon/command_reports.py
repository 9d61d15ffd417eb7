"""What a command without a window says at its end: a line for people, or with --json one JSON object, also when it fails."""

from __future__ import annotations

import argparse
import json
import sys

from .errors import AddonError


def tell(options: argparse.Namespace, text: str, **record: object) -> int:
    """The result; returns the exit status."""
    sys.stdout.write(json.dumps(record) + "\n" if options.json else text)
    return 0


def tell_failure(options: argparse.Namespace, error: AddonError) -> int:
    """The reason, on standard error as one line; returns the exit status."""
    sys.stderr.write(f"{error}\n")
    if getattr(options, "json", False):
        sys.stdout.write(json.dumps({"error": {"code": error.code, "message": str(error)}}) + "\n")
    return error.exit_code
