"""`otabridge serve`: clouds' APIs on loopback ports, over one store, until a signal comes."""

import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otabridge.cli import errors
from otabridge.cli import output as out
from otabridge.cli.options import ConfigFile, Debug

if TYPE_CHECKING:
    from otabridge.serve.server import Server

ACCESS_KEY, SECRET_KEY = "OTABRIDGE_SERVE_ACCESS_KEY", "OTABRIDGE_SERVE_SECRET_KEY"


def command(
    facades: Annotated[
        list[str],
        typer.Option("--as", metavar="NAME[:PORT]", help="A cloud to imitate, on this port or a free one. Repeatable."),
    ],
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on",
            metavar="CLOUD",
            help="What is behind: memory: (if left out), local:PATH, or a cloud of the configuration file.",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option("--host", metavar="ADDRESS", help="The address to listen on. Others than loopback are warned of."),
    ] = "127.0.0.1",
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse what only might be right: unknown products, ids, missing objects.")
    ] = False,
    quota: Annotated[
        str,
        typer.Option(
            "--quota", metavar="off|documented|N", help="Refuse what is too fast: N calls a second of each operation."
        ),
    ] = "off",
    faults: Annotated[
        Path | None, typer.Option("--faults", metavar="FILE", help="What shall go wrong, as [[fault]] tables of TOML.")
    ] = None,
    seed: Annotated[
        str | None, typer.Option("--seed", metavar="demo", help="Fill a local store with an invented fleet.")
    ] = None,
    config: ConfigFile = None,
    debug: Debug = False,
) -> None:
    """Imitate clouds, each on a port of its own, until SIGINT or SIGTERM."""
    if on and len(on) > 1:
        raise errors.Usage("--on: the facades stand over one cloud")
    from otabridge.serve import Server  # first, since it says what is missing
    from otabridge.serve.quota import quota_rule
    from otabridge.serve.server import foreground
    from otabridge.serve.serving import Serving, facade_ports

    access_key, secret_key = (os.environ.get(name) or None for name in (ACCESS_KEY, SECRET_KEY))
    if (access_key is None) != (secret_key is None):
        raise errors.Usage(f"{ACCESS_KEY} and {SECRET_KEY} go together: set both, or neither")
    serving = Serving(
        facades=facade_ports(facades),
        on=on[0] if on else "memory:",
        host=host,
        strict=strict,
        quota=quota_rule(quota),
        faults=faults or (),
        seed=seed,
        access_key=access_key,
        secret_key=secret_key,
        config=config,
    )
    if not _loopback(host):
        errors.say(
            "warning",
            f"--host {host}: whoever reaches this computer reaches the server; keys are its only guard. "
            "The page stays for this computer alone",
        )
    server = Server(serving)
    foreground(server, lambda: _announce(server))


def _announce(server: "Server") -> None:
    """One line for each facade. A reader that has gone needs none of them, and its clients may be at work."""
    try:
        out.emit("".join(f"{out.dumps(line)}\n" for line in _lines(server)))
    except errors.ReaderGone:
        errors.turn_off_stdout()


def _lines(server: "Server") -> "Iterator[out.Record]":
    # A key that came from outside is known there, and shown nowhere.
    secret = {} if server.serving.secret_key else {"secret_key": server.secret_key}
    for name, url in server.urls.items():
        yield {"facade": name, "url": url, "access_key": server.access_key, **secret, **server.hints[name]}
        secret = {}


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
