"""SQL as Athena understands it, on the tables of a lake in a folder.

A statement in Athena's dialect is read strictly, its names and types are resolved as Trino, which
is Athena's engine 3, resolves them, and DuckDB is given a statement that means the same to it. What
would not mean the same, or what Athena does not know, is refused with the reason and the place.
"""
