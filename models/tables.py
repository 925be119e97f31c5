"""The Peewee tables. Only storage imports this; everybody else sees frozen entities.

The migrations make the tables; a test keeps both in step on both databases.
"""

from peewee import BooleanField, FloatField, IntegerField, Model, TextField


class _Stamp(TextField):
    """A UTC stamp: ISO 8601 text in SQLite, `timestamptz` in PostgreSQL. The repository converts."""

    field_type = "TIMESTAMPTZ"


class ConnectionTable(Model):
    """`exchange_connections`: the columns have the names of the entity's fields."""

    id = TextField(primary_key=True)
    name = TextField(unique=True)
    exchange = TextField()
    account_type = TextField()
    environment = TextField()
    api_key = TextField(null=True)
    api_secret = TextField(null=True)
    api_passphrase = TextField(null=True)
    margin_type = TextField()
    position_mode = TextField()
    leverage_limit = IntegerField(null=True)
    volume_factor = FloatField()
    connection_method = TextField()
    enabled = BooleanField()
    active = BooleanField()
    live_trade = BooleanField()
    preset_trade = BooleanField()
    predefined = BooleanField()
    tags = TextField()
    color = TextField()
    note = TextField()
    extra = TextField()
    revision = IntegerField()
    created_at = _Stamp()
    updated_at = _Stamp()

    class Meta:
        table_name = "exchange_connections"


class AppliedOperationTable(Model):
    """`applied_operations`: every write that took effect, so that none takes effect twice."""

    op_id = TextField(primary_key=True)
    device = TextField()
    sequence = IntegerField()
    connection_id = TextField()
    kind = TextField()
    applied_at = _Stamp()

    class Meta:
        table_name = "applied_operations"


class DeletedConnectionTable(Model):
    """`deleted_connections`: tombstones for 90 days; `record` is the whole row as JSON, credentials sealed."""

    id = TextField(primary_key=True)
    name = TextField()
    exchange = TextField()
    revision = IntegerField()
    record = TextField()
    deleted_at = _Stamp()

    class Meta:
        table_name = "deleted_connections"


class StoreIdentityTable(Model):
    """`store_identity`: one row that tells this database from every other; the fence against replaying into another."""

    only = IntegerField(primary_key=True)
    database_id = TextField()
    epoch = IntegerField()
    created_at = _Stamp()

    class Meta:
        table_name = "store_identity"


class TakeOverTable(Model):
    """`take_overs`: what came over from CTS v3.1 folders; `report` is JSON."""

    id = TextField(primary_key=True)
    taken_at = _Stamp()
    source = TextField()
    report = TextField()

    class Meta:
        table_name = "take_overs"


class TakenOverIdTable(Model):
    """`taken_over_ids`: which old id became which connection, so that a second take-over adds nothing twice."""

    source = TextField()
    legacy_id = TextField()
    connection_id = TextField()

    class Meta:
        table_name = "taken_over_ids"
        primary_key = False


class ConflictTable(Model):
    """`conflicts`: changes that lost against another desktop's, until a person chooses."""

    id = TextField(primary_key=True)
    connection_id = TextField()
    name = TextField()
    fields = TextField()
    base = TextField()
    mine = TextField()
    theirs = TextField()
    device = TextField()
    op_id = TextField()
    made_at = TextField()
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
