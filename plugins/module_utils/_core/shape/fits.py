# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether data that others may have edited has the fields and types that the code relies on."""

from __future__ import annotations

from typing import Any


def fits(value: Any, schema: Any) -> bool:
    """True if the value matches the schema.

    A schema is a type, a set of values, a list with the schema of each item, or fields by name: 'name!' is required,
    '*' stands for all. Fields that the schema does not name can be anything.
    """
    if isinstance(schema, type):
        # True is a number in Python, but not in JSON.
        return isinstance(value, schema) and (schema is bool or not isinstance(value, bool))
    if isinstance(schema, set):
        return isinstance(value, str) and value in schema
    if isinstance(schema, list):
        return isinstance(value, list) and all(fits(item, schema[0]) for item in value)
    if not isinstance(value, dict) or any(name[:-1] not in value for name in schema if name.endswith("!")):
        return False
    fields = {name.removesuffix("!"): field for name, field in schema.items()}
    others = fields.pop("*", None)
    return all(fits(value[name], field) for name, field in fields.items() if name in value) and (
        others is None or all(fits(item, others) for item in value.values())
    )
