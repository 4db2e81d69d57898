"""Huawei Cloud IoTDA for otabridge."""
