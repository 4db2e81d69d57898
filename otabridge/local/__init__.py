"""The embedded default: a complete backend on SQLite and a folder of artifacts.

`hooks.py` registers it, `backend.py` has its flows, `tables.py` what it can do and what it limits. Below the flows lie
`database.py` (the file, its schema, transactions), `modules.py` (products and devices too), `packages.py`,
`versions.py` (what devices report) and `artifacts.py` (files by their SHA-256). Nothing of it is imported until a local
backend is asked for.
"""
