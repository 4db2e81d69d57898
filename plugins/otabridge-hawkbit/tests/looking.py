"""What a hawkBit has, by plain REST."""

import hashlib
from pathlib import Path
from typing import Any

from players import Operator

from otabridge import Package


def kind(operator: Operator, key: str) -> dict[str, Any]:
    """The type with a key, as the server has it."""
    found = [row for row in kinds(operator) if row["key"] == key]
    assert len(found) == 1, found
    return found[0]


def kinds(operator: Operator) -> list[dict[str, Any]]:
    """Every type that is not deleted."""
    rows: list[dict[str, Any]] = operator.get("/softwaremoduletypes", limit=500)["content"]
    return rows


def row(operator: Operator, package: Package) -> dict[str, Any]:
    """A package as the server has it."""
    found: dict[str, Any] = operator.get(f"/softwaremodules/{package.id}")
    return found


def rows(operator: Operator, product: str, module: str = "mcu") -> list[dict[str, Any]]:
    """Everything of a module that the server has, deleted or not."""
    found: list[dict[str, Any]] = operator.get("/softwaremodules", q=f"type=={product}.{module}", limit=500)["content"]
    return found


def noted(operator: Operator, package: Package) -> dict[str, Any]:
    listed = operator.get(f"/softwaremodules/{package.id}/metadata")["content"]
    return {entry["key"]: entry["value"] for entry in listed}


def files(operator: Operator, package: Package) -> dict[str, tuple[int, str]]:
    """Size and digest of the files of a package, by name."""
    listed = operator.get(f"/softwaremodules/{package.id}/artifacts")
    return {file["providedFilename"]: (file["size"], file["hashes"]["sha256"]) for file in listed}


def digest(path: Path) -> tuple[int, str]:
    return path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
