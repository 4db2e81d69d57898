"""Registers the local backend; the entry point `local` of the core's own distribution names this module."""

from otabridge.local.backend import LocalBackend
from otabridge.plugin import Backend, hookimpl


@hookimpl
def otabridge_register_backends() -> list[type[Backend]]:
    return [LocalBackend]
