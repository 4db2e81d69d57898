"""The cloud example for otabridge."""

__version__ = "0.1.0"
