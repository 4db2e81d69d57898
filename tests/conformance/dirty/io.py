"""A backend with I/O of its own."""

import socket

from otabridge_huawei.backend import HuaweiBackend


class OwnIo(HuaweiBackend):
    """It asks the system for a name."""

    def close(self) -> None:
        self.host = socket.gethostname()
