"""The signed-query Action APIs of Tuya and Aliyun for otabridge."""
