"""How one database lies in one SQLite file.

- `_series`: a row for each series (measurement + tags), with its newest value of every field: what `latest` returns.
  `tags` are its tags once more, as JSON; `time_us` is the time of its newest point, `older` that of the fields which
  this point lacks.
- `_field`: the kind of each field, fixed by the first point that has it.
- one table a measurement, a column a field (added when first seen), clustered by hour, series, time: writing now
  touches the pages of this hour alone, and one device's day is 24 short seeks.
"""

from typing import Final

from cloud.sqlitefile import Layout
from cloud.stores.base import Field
from cloud.stores.checks import TAGS

HOUR_US: Final = 3_600_000_000  # width of a bucket
MAX_FIELDS: Final = 500  # of one measurement; SQLite allows 2,000 columns
DECLARED: Final = {"float": "REAL", "int": "INTEGER", "text": "TEXT", "bool": "INTEGER"}

_TAG_COLUMNS = ", ".join(f'"{tag}" TEXT NOT NULL' for tag in TAGS)
LAYOUT: Final = Layout(
    name="store",
    application_id=0x42465253,  # "BFRS"
    version=1,
    tables=(
        f"CREATE TABLE _series (id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, {_TAG_COLUMNS},"
        " tags TEXT NOT NULL, time_us INTEGER NOT NULL, fields TEXT NOT NULL, older TEXT NOT NULL,"
        f" UNIQUE (measurement, {', '.join(TAGS)}))",
        "CREATE TABLE _field (measurement TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,"
        " PRIMARY KEY (measurement, name)) WITHOUT ROWID",
    ),
)


def kind_of(field: Field) -> str:
    match field:
        case str():
            return "text"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"


def quoted(name: str) -> str:
    """A name that `checks.is_name` accepted, as SQL."""
    return f'"{name}"'
