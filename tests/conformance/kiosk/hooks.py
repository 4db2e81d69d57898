"""What would be registered, if the kiosk were installed."""

from otabridge.plugin import hookimpl
from tests.conformance.kiosk.backend import KioskBackend
from tests.conformance.kiosk.facade import KioskFacade


@hookimpl
def otabridge_register_backends() -> list[type[KioskBackend]]:
    return [KioskBackend]


@hookimpl
def otabridge_register_facades() -> list[type[KioskFacade]]:
    return [KioskFacade]
