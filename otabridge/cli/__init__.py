"""The command line. Only `main` is here: it says how to install what is missing, and loads the rest when it is called.

`app.py` puts the commands together and runs them, one file has one group of them. They share `options.py` (what can be
typed), `session.py` (the clouds of a command), `output.py` (stdout) and `errors.py` (stderr and exit codes).
"""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ImportError:
        print("error: the command line is not installed. Try: pip install 'otabridge[cli]'", file=sys.stderr)
        return 2
    from otabridge.cli.app import run

    return run(sys.argv[1:] if argv is None else argv)
