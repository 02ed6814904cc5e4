"""Ids that are the same on every machine and in every run.

The whole file becomes the body of a database function (see
macros/functions/postgres__scalar_function_python.sql): keep it self-contained.
"""

from __future__ import annotations

import uuid
from hashlib import sha1

# fixed for ever: another namespace would give every customer another id
_NAMESPACE = uuid.UUID("8f2b6d1e-52c7-5c0e-9a54-3d6b1f0e7a29").bytes
# the two upper bits of this digit say which kind of id it is
_VARIANTS = "89ab" * 4


def uuid_v5(name: str | None) -> str | None:
    """Returns the UUIDv5 of a name in the project's namespace, None for None."""
    if name is None:
        return None
    # as uuid.uuid5 does it, at a third of its price: no object is made of the digits
    digits = sha1(_NAMESPACE + name.encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANTS[int(digits[16], 16)]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
