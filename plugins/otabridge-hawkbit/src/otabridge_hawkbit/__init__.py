"""Eclipse hawkBit for otabridge."""

__version__ = "0.1.0"
