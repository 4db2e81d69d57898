"""The signed-query Action APIs of Tuya and Aliyun for otabridge."""

__version__ = "0.1.0"
