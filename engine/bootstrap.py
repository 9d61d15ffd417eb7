"""Starts the engine out of any folder: `python -I PATH/TO/engine/bootstrap.py worker` (or any `soliloquy` command).

Blender keeps an extension in a folder of its own choosing, and `python -I` looks neither at the working folder nor at
PYTHONPATH, so the package is loaded by the place of this file and named `soliloquy` whatever its folder is called.
"""

import importlib.util
import sys
from pathlib import Path


def load_package() -> None:
    """Make `import soliloquy` mean the package this file lies in."""
    root = Path(__file__).resolve().parent.parent
    specification = importlib.util.spec_from_file_location("soliloquy", root / "__init__.py",
                                                           submodule_search_locations=[str(root)])
    package = importlib.util.module_from_spec(specification)
    sys.modules["soliloquy"] = package
    specification.loader.exec_module(package)


def main() -> None:
    """Run the worker, or the command line with the remaining arguments."""
    load_package()
    if sys.argv[1:2] == ["worker"]:
        from soliloquy.engine.worker import main as serve
        sys.exit(serve())
    from soliloquy.engine.cli import main as command_line
    command_line()


if __name__ == "__main__":
    main()
