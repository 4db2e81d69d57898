"""`python -m otabridge.cli` is the command `otabridge`."""

import sys

from otabridge.cli import main

sys.exit(main())
