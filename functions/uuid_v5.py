"""Ids that are the same on every machine and in every run.

The whole file becomes the body of a database function (see
macros/functions/postgres__scalar_function_python.sql): keep it self-contained.
"""

from __future__ import annotations

import uuid

# fixed for ever: another namespace would give every customer another id
_NAMESPACE = uuid.UUID("8f2b6d1e-52c7-5c0e-9a54-3d6b1f0e7a29")


def uuid_v5(name: str | None) -> str | None:
    """Returns the UUIDv5 of a name in the project's namespace, None for None."""
    return None if name is None else str(uuid.uuid5(_NAMESPACE, name))
