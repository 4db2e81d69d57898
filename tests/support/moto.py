"""moto's S3 server, a witness that shares no code with ours. Its state is the process's: each user begins with none."""

import http.client
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Ask = Callable[[str, str], None]


@contextmanager
def moto_server() -> Iterator[tuple[str, Ask]]:
    """Its address, and how its own settings are set: by what is posted to one of its paths."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()

    def ask(path: str, body: str = "") -> None:
        connection = http.client.HTTPConnection(host, port)
        connection.request("POST", f"/moto-api/{path}", body)
        assert connection.getresponse().status == 200
        connection.close()

    ask("reset")
    yield f"http://{host}:{port}", ask
    ask("reset")
    server.stop()
