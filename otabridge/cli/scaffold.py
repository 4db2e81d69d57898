"""A new plugin from the templates beside this file: complete, formatted, typed, and passing the conformance kit."""

import re
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

from otabridge import __version__
from otabridge.backend import CONTRACT
from otabridge.cli.errors import Usage

LONGEST = 30
_NAME = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*").fullmatch
_RESERVED = ("local", "memory")  # what `connect` and `--on` take for the store of this computer
_SOURCES = ("__init__", "backend", "facade", "hooks", "schema", "settings", "signing", "tables")


def check(name: str, taken: list[str]) -> None:
    """Usage unless a plugin can be called that; `taken` are the backends that are installed."""
    if not _NAME(name) or len(name) > LONGEST:
        rule = "small letters, digits and single - between them, the first a letter"
        raise Usage(f"{name!r} cannot be the name of a plugin: {rule}, {LONGEST} at most")
    if name in (*taken, *_RESERVED):
        raise Usage(f"there is a backend named {name!r} already: take another name")


def contents(name: str) -> dict[str, str]:
    """Every file of the plugin: path -> text."""
    module = name.replace("-", "_")
    major, minor, _ = __version__.split(".")
    words = {
        "name": name,
        "module": module,
        "Class": "".join(part.capitalize() for part in name.split("-")),
        "VARIABLE": module.upper(),
        "version": __version__,
        "core": f">={major}.{minor},<{major}.{int(minor) + 1}",
        "contract": str(CONTRACT),
    }
    source = f"src/otabridge_{module}"
    templates = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        "tests/test_conformance.py": "test_conformance.py",
        **{f"{source}/{stem}.py": f"{stem}.py" for stem in _SOURCES},
    }
    return {f"{source}/py.typed": ""} | {path: _filled(template, words) for path, template in templates.items()}


def write(name: str, folder: Path) -> Path:
    """Write the plugin into a new folder below `folder`, all of it or nothing, and return its path."""
    target = folder / f"otabridge-{name}"
    if target.exists() or target.is_symlink():
        raise Usage(f"{target} is there already: move it away, or name another --folder")
    folder.mkdir(parents=True, exist_ok=True)
    # Made beside its place, so that it gets there by one renaming.
    workshop = Path(tempfile.mkdtemp(prefix=".otabridge-", dir=folder))
    try:
        for path, text in contents(name).items():
            file = workshop / target.name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8", newline="\n")
        (workshop / target.name).rename(target)
    finally:
        shutil.rmtree(workshop)
    return target


def _filled(template: str, words: dict[str, str]) -> str:
    # `.txt`, so that no tool takes a template for a module.
    text = (files("otabridge.cli") / "template" / f"{template}.txt").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: words[found[1]], text)
