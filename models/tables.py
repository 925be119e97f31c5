"""The Peewee tables. Only storage imports this; everybody else sees frozen entities.

The migrations make the tables; a test keeps both in step on both databases.
"""

from models.orm import pw


class _Stamp(pw.TextField):
    """A UTC stamp: ISO 8601 text in SQLite, `timestamptz` in PostgreSQL. The repository converts."""

    field_type = "TIMESTAMPTZ"


class ConnectionTable(pw.Model):
    """`exchange_connections`: the columns have the names of the entity's fields."""

    id = pw.TextField(primary_key=True)
    name = pw.TextField(unique=True)
    exchange = pw.TextField()
    account_type = pw.TextField()
    environment = pw.TextField()
    api_key = pw.TextField(null=True)
    api_secret = pw.TextField(null=True)
    api_passphrase = pw.TextField(null=True)
    margin_type = pw.TextField()
    position_mode = pw.TextField()
    leverage_limit = pw.IntegerField(null=True)
    volume_factor = pw.FloatField()
    connection_method = pw.TextField()
    enabled = pw.BooleanField()
    active = pw.BooleanField()
    live_trade = pw.BooleanField()
    preset_trade = pw.BooleanField()
    predefined = pw.BooleanField()
    tags = pw.TextField()
    color = pw.TextField()
    note = pw.TextField()
    extra = pw.TextField()
    revision = pw.IntegerField()
    created_at = _Stamp()
    updated_at = _Stamp()

    class Meta:
        table_name = "exchange_connections"


class AppliedOperationTable(pw.Model):
    """`applied_operations`: every write that took effect, so that none takes effect twice."""

    op_id = pw.TextField(primary_key=True)
    device = pw.TextField()
    sequence = pw.IntegerField()
    connection_id = pw.TextField()
    kind = pw.TextField()
    applied_at = _Stamp()

    class Meta:
        table_name = "applied_operations"


class DeletedConnectionTable(pw.Model):
    """`deleted_connections`: tombstones for 90 days; `record` is the whole row as JSON, credentials sealed."""

    id = pw.TextField(primary_key=True)
    name = pw.TextField()
    exchange = pw.TextField()
    revision = pw.IntegerField()
    record = pw.TextField()
    deleted_at = _Stamp()

    class Meta:
        table_name = "deleted_connections"


class StoreIdentityTable(pw.Model):
    """`store_identity`: one row that tells this database from every other; the fence against replaying into another."""

    only = pw.IntegerField(primary_key=True)
    database_id = pw.TextField()
    epoch = pw.IntegerField()
    created_at = _Stamp()

    class Meta:
        table_name = "store_identity"


class TakeOverTable(pw.Model):
    """`take_overs`: what came over from CTS v3.1 folders; `report` is JSON."""

    id = pw.TextField(primary_key=True)
    taken_at = _Stamp()
    source = pw.TextField()
    report = pw.TextField()

    class Meta:
        table_name = "take_overs"


class TakenOverIdTable(pw.Model):
    """`taken_over_ids`: which old id became which connection, so that a second take-over adds nothing twice."""

    source = pw.TextField()
    legacy_id = pw.TextField()
    connection_id = pw.TextField()

    class Meta:
        table_name = "taken_over_ids"
        primary_key = False


class ConflictTable(pw.Model):
    """`conflicts`: changes that lost against another desktop's, until a person chooses."""

    id = pw.TextField(primary_key=True)
    connection_id = pw.TextField()
    name = pw.TextField()
    fields = pw.TextField()
    base = pw.TextField()
    mine = pw.TextField()
    theirs = pw.TextField()
    device = pw.TextField()
    op_id = pw.TextField()
    made_at = pw.TextField()
    noted_at = _Stamp()

    class Meta:
        table_name = "conflicts"


TABLES = (
    ConnectionTable,
    AppliedOperationTable,
    DeletedConnectionTable,
    StoreIdentityTable,
    TakeOverTable,
    TakenOverIdTable,
    ConflictTable,
)
