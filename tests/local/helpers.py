"""What the tests of the local store share."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from otabridge import ModuleVersion

NOON = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass
class Clock:
    """Stands still until it is moved."""

    at: datetime = field(default=NOON)

    def now(self) -> datetime:
        return self.at

    def pass_by(self, **span: float) -> None:
        self.at += timedelta(**span)


def report(device: str, module: str, version: str, at: datetime | None = None, product: str = "p") -> ModuleVersion:
    return ModuleVersion(product=product, device=device, module=module, version=version, reported_at=at)


def files(folder: Path) -> list[str]:
    """The names of all files below a store's artifact folder."""
    return sorted(path.name for path in (folder / "artifacts").rglob("*") if path.is_file())
