"""The vendor's field names, each once: our word -> the vendor's, in the order of its examples.

Readers and writers of both directions are made of these tables.
"""

from collections.abc import Mapping
from typing import Any

Names = Mapping[str, str]

# `line` is the name of a product, `space` that of a resource space.
_OWNER = {"app": "app_id", "product": "product_id", "line": "product_name"}
_SAID = {"description": "description", "custom_info": "custom_info", "created_at": "create_time"}

PRODUCT: Names = {
    "app": "app_id",
    "space": "app_name",
    "id": "product_id",
    "name": "name",
    "sort": "device_type",
    "protocol": "protocol_type",
    "format": "data_format",
    "maker": "manufacturer_name",
    "industry": "industry",
    "description": "description",
    "services": "service_capabilities",
    "created_at": "create_time",
}
MODULE: Names = {
    "id": "module_id",
    **_OWNER,
    "name": "module_name",
    "alias": "alias_name",
    "description": "description",
    "created_at": "create_time",
}
PACKAGE: Names = {
    "id": "package_id",
    "app": "app_id",
    "type": "package_type",
    **_OWNER,
    "module": "module_name",
    "version": "version",
    "source_versions": "support_source_versions",
    **_SAID,
    "location": "file_location",
}
OBJECT = "obs_location"
LOCATION: Names = {
    "region": "region_name",
    "bucket": "bucket_name",
    "key": "object_key",
    "method": "sign_method",
    "digest": "sign",
}
DEVICE: Names = {
    "app": "app_id",
    "space": "app_name",
    "id": "device_id",
    "name": "node_id",
    "gateway": "gateway_id",
    "shown": "device_name",
    "type": "node_type",
    "description": "description",
    "firmware": "fw_version",
    "software": "sw_version",
    "sdk": "device_sdk_version",
    "product": "product_id",
    "line": "product_name",
    "status": "status",
    "created_at": "create_time",
    "connected": "connection_status_update_time",
    "active": "active_time",
    "tags": "tags",
    "groups": "groups",
    # In the vendor's SDK alone, not on its pages: that an instance fills it is unverified.
    "modules": "modules",
    "marker": "marker",
}
# What a list, a single device and a search give; and what a search may be for.
_SINGLE = ("created_at", "connected", "active")
LISTED: Names = {word: DEVICE[word] for word in DEVICE if word not in (*_SINGLE, "groups", "modules", "marker")}
SHOWN: Names = {word: DEVICE[word] for word in DEVICE if word not in ("groups", "marker")}
SEARCHED: Names = {word: DEVICE[word] for word in DEVICE if word not in (*_SINGLE, "description")}
SEARCHABLE: Names = {
    **{word: DEVICE[word] for word in ("app", "id", "gateway", "product", "shown", "name", "status", "type")},
    "tag": "tag_key",
    "tagged": "tag_value",
    **{word: DEVICE[word] for word in ("software", "firmware")},
    "group": "group_id",
    **{word: DEVICE[word] for word in ("created_at", "marker")},
}
REPORTED: Names = {"module": "module_name", "version": "module_version"}
APPLICATION: Names = {"app": "app_id", "name": "app_name", "created_at": "create_time", "default": "default_app"}
PAGE: Names = {"count": "count", "marker": "marker"}
SECRETS = frozenset({"auth_info", "secret", "secondary_secret", "fingerprint", "secondary_fingerprint"})

# What the query of a list or the body of a write may have.
QUERY: Names = {
    "kind": "package_type",
    "app": "app_id",
    "product": "product_id",
    "line": "product_name",
    "node": "node_id",
    "shown": "device_name",
    "gateway": "gateway_id",
    "cascade": "is_cascade_query",
    "default": "default_app",
    "start": "start_time",
    "end": "end_time",
    "version": "version",
    "size": "limit",
    "marker": "marker",
    "offset": "offset",
    "project": "name",
    "nocatalog": "nocatalog",
}
MODULE_BODY: Names = {word: MODULE[word] for word in ("app", "product", "name", "alias", "description")}
PACKAGE_BODY: Names = {
    word: PACKAGE[word]
    for word in (
        *("app", "type", "product", "module", "version", "source_versions", "description", "custom_info", "location"),
    )
}
SEARCH_BODY: Names = {"sql": "sql"}
LOGIN_BODY: Names = {"auth": "auth"}

# The bodies of errors; the identity service has its own, one level down.
ERROR_SHAPES = (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message"))
REQUEST_ID = "request_id"
DURATION = "duration_seconds"  # of a temporary key


def written(names: Names, values: Mapping[str, Any]) -> dict[str, Any]:
    """A vendor's object of our words, in the order of the table, without the members that are None."""
    return {name: values[word] for word, name in names.items() if values.get(word) is not None}
