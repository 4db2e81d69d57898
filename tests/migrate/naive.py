"""A copier as one would write it in an afternoon: the negative control. It knows neither a journal nor a doubt."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from otabridge import Client, OtaBridgeError


def copied(source: Client, destination: Client, folder: Path, checkpoint: Callable[[str], object]) -> None:
    """Create whatever the source has, go on after errors, and take what is refused for what is there already."""
    for module in source.modules.list():
        if not module.builtin:
            checkpoint(f"module {module.name}")
            texts: dict[str, Any] = {"alias": module.alias, "description": module.description}
            _tried(lambda: destination.modules.create(module.name, product=module.product, **texts))  # noqa: B023
    for package in source.packages.list():
        checkpoint(f"package {package.module} {package.version}")
        paths = _tried(lambda: source.packages.download(package.id, folder))  # noqa: B023
        for path in paths or ():
            checkpoint(f"file {path}")
            key = {"product": package.product, "module": package.module, "version": package.version}
            _tried(lambda: destination.packages.publish(path, **key, description=package.description))  # noqa: B023


def _tried(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except OtaBridgeError:
        return None
