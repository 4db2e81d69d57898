"""The embedded default: a complete backend on SQLite and a folder of artifacts.

`hooks.py` registers it, `backend.py` has its flows, `tables.py` what it can do and what it limits. Below the flows lie
`database.py` (the file, its schema, transactions), `store.py` (modules, packages, devices), `versions.py` (what devices
report) and `artifacts.py` (files by their SHA-256). Nothing here is imported until a local backend is asked for.
"""
