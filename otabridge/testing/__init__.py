"""For tests of what is built on otabridge: `plugin.py` brings pytest the fixture `otabridge_serve`."""
