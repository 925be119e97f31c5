"""What each migration brings, and the queries that its indexes are for. A test checks that no migration is left out."""

from typing import NamedTuple


class Brings(NamedTuple):
    """Names that are there after a migration and were not before. `columns` pairs table and column."""

    tables: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    indexes: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()


class HotQuery(NamedTuple):
    """A frequent query and the index that must serve it on both databases; `or_index` would be as good."""

    number: int
    index_name: str
    sql: str
    or_index: str = ""


BRINGS = {
    1: Brings(
        ("exchange_connections",), indexes=("ix_exchange_connections_name", "ix_exchange_connections_enabled_exchange")
    ),
    2: Brings(("system_settings",), indexes=("ix_system_settings_category",)),
    3: Brings(("site_logs",), indexes=("ix_site_logs_timestamp", "ix_site_logs_level_timestamp")),
    4: Brings(("trade_engine_state",)),
    5: Brings(("indications", "indication_states")),
    6: Brings(("pseudo_positions", "real_pseudo_positions")),
    7: Brings(("market_data",)),
    8: Brings(("trade_logs",)),
    9: Brings(("preset_coordination_results",)),
    36: Brings(
        ("base_pseudo_positions",),
        tuple(
            ("pseudo_positions", name)
            for name in ("base_position_id", "indication_range", "activity_calculated", "activity_lastpart")
        ),
        (
            "ix_base_pseudo_positions_connection",
            "ix_base_pseudo_positions_symbol",
            "ix_base_pseudo_positions_status",
            "ix_base_pseudo_positions_indication",
            "ix_pseudo_positions_base_position",
        ),
        ("base_position_performance",),
    ),
    37: Brings(
        ("active_exchange_positions", "exchange_position_statistics", "exchange_position_coordination_log"),
        (),
        (
            "ix_active_exchange_positions_connection",
            "ix_active_exchange_positions_symbol",
            "ix_active_exchange_positions_real_pseudo",
            "ix_active_exchange_positions_opened",
            "ix_active_exchange_positions_exchange_id",
            "ix_exchange_position_statistics_period",
            "ix_exchange_position_statistics_symbol",
            "ix_exchange_position_coordination_log_position",
            "ix_exchange_position_coordination_log_connection",
            "ix_exchange_position_coordination_log_event",
        ),
        ("active_exchange_positions_monitoring",),
    ),
    38: Brings(
        (),
        tuple(("pseudo_positions", name) for name in ("drawdown_ratio", "market_change_range", "last_part_ratio")),
        ("ix_pseudo_positions_optimal_configuration",),
    ),
    51: Brings(
        indexes=(
            "ix_pseudo_positions_connection_status",
            "ix_pseudo_positions_symbol_status",
            "ix_pseudo_positions_indication_status",
            "ix_base_pseudo_positions_connection_symbol_status",
            "ix_real_pseudo_positions_connection_status",
            "ix_real_pseudo_positions_symbol_status",
            "ix_real_pseudo_positions_main_position",
            "ix_active_exchange_positions_connection_symbol",
            "ix_indication_states_connection_symbol",
            "ix_preset_coordination_results_connection_symbol",
            "ix_preset_coordination_results_preset",
            "ix_market_data_symbol_timestamp",
        )
    ),
    53: Brings(
        ("archived_market_data", "data_cleanup_log"),
        (),
        (
            "ix_market_data_connection_symbol_timestamp",
            "ix_archived_market_data_symbol_timestamp",
            "ix_data_cleanup_log_executed",
        ),
        (),
        (
            ("market_data_retention_days", "7"),
            ("indication_states_retention_hours", "48"),
            ("market_data_query_window_minutes", "60"),
            ("automatic_cleanup_enabled", "true"),
            ("automatic_cleanup_interval_hours", "24"),
        ),
    ),
    70: Brings(
        indexes=(
            "ix_indications_hot",
            "ix_indications_profit_factor",
            "ix_pseudo_positions_validation_queue",
            "ix_active_exchange_positions_sync",
            "ix_trade_engine_state_health",
            "ix_trade_logs_connection",
            "ix_trade_logs_symbol",
            "ix_market_data_cleanup",
            "ix_indication_states_cleanup",
            "ix_pseudo_positions_cleanup",
            "ix_market_data_latest",
            "ix_exchange_connections_active",
        )
    ),
    71: Brings(
        ("trade_engine_coordination", "symbol_processing_queue"),
        (),
        (
            "ix_trade_engine_coordination_activity",
            "ix_symbol_processing_queue_next",
            "ix_symbol_processing_queue_symbol",
            "ix_symbol_processing_queue_waiting",
        ),
    ),
    80: Brings(("store_identity",)),
    81: Brings(("applied_operations",), indexes=("ix_applied_operations_device", "ix_applied_operations_applied")),
    82: Brings(("deleted_connections",), indexes=("ix_deleted_connections_deleted",)),
    83: Brings(("take_overs", "taken_over_ids"), indexes=("ix_taken_over_ids_connection",)),
    84: Brings(),
    85: Brings(("conflicts",), indexes=("ix_conflicts_connection",)),
    86: Brings(("vault_keys",)),
}

_LONG_AGO = "'2026-01-30T00:00:00.000Z'"
_C, _S, _T = "connection_id = 'c1'", "symbol = 'S1'", "'2026-01-31T09:00:00.000Z'"

HOT_QUERIES = (
    HotQuery(
        51,
        "ix_pseudo_positions_connection_status",
        f"SELECT * FROM pseudo_positions WHERE {_C} AND status = 'open' ORDER BY created_at DESC LIMIT 50",
    ),
    HotQuery(
        51,
        "ix_pseudo_positions_symbol_status",
        f"SELECT id, profit_loss FROM pseudo_positions WHERE {_S} AND status = 'closing'",
    ),
    HotQuery(
        51,
        "ix_base_pseudo_positions_connection_symbol_status",
        f"SELECT * FROM base_pseudo_positions WHERE {_C} AND {_S} AND status = 'active'",
    ),
    HotQuery(
        51,
        "ix_real_pseudo_positions_connection_status",
        f"SELECT * FROM real_pseudo_positions WHERE {_C} AND status = 'open' ORDER BY validated_at DESC LIMIT 50",
    ),
    HotQuery(
        51,
        "ix_active_exchange_positions_connection_symbol",
        f"SELECT * FROM active_exchange_positions WHERE {_C} AND {_S} ORDER BY opened_at DESC LIMIT 50",
    ),
    HotQuery(
        51,
        "ix_indication_states_connection_symbol",
        f"SELECT * FROM indication_states WHERE {_C} AND {_S} AND indication_type = 'active'"
        " ORDER BY updated_at DESC LIMIT 1",
    ),
    HotQuery(
        51,
        "ix_preset_coordination_results_connection_symbol",
        f"SELECT * FROM preset_coordination_results WHERE {_C} AND {_S} ORDER BY profit_factor DESC LIMIT 20",
    ),
    HotQuery(
        51,
        "ix_market_data_symbol_timestamp",
        f"SELECT volume FROM market_data WHERE {_S} AND timestamp >= {_LONG_AGO} ORDER BY timestamp",
        "ix_market_data_latest",
    ),
    HotQuery(
        53,
        "ix_market_data_connection_symbol_timestamp",
        f"SELECT timestamp, price FROM market_data WHERE {_C} AND {_S} AND timestamp >= {_T} ORDER BY timestamp",
    ),
    HotQuery(
        70,
        "ix_indications_hot",
        f"SELECT calculated_at, profit_factor FROM indications WHERE {_C} AND {_S} AND mode = 'main'"
        f" AND calculated_at >= {_T} ORDER BY calculated_at DESC",
    ),
    HotQuery(
        70,
        "ix_pseudo_positions_validation_queue",
        f"SELECT id FROM pseudo_positions WHERE {_C} AND status = 'open' AND profit_factor >= 0.6"
        " ORDER BY created_at LIMIT 100",
    ),
    HotQuery(
        70,
        "ix_active_exchange_positions_sync",
        f"SELECT id FROM active_exchange_positions WHERE {_C} AND status = 'open'"
        " AND sync_status = 'pending_update' ORDER BY last_sync_at LIMIT 100",
    ),
    HotQuery(
        70,
        "ix_trade_engine_state_health",
        f"SELECT connection_id FROM trade_engine_state WHERE status = 'running' AND health = 'unhealthy'"
        f" AND updated_at >= {_T}",
    ),
    HotQuery(
        70,
        "ix_trade_logs_connection",
        f"SELECT * FROM trade_logs WHERE {_C} ORDER BY timestamp DESC LIMIT 100",
    ),
    HotQuery(70, "ix_market_data_cleanup", "DELETE FROM market_data WHERE timestamp < '2000-01-01T00:00:00.000Z'"),
    HotQuery(
        70,
        "ix_indication_states_cleanup",
        "DELETE FROM indication_states WHERE updated_at < '2000-01-01T00:00:00.000Z'",
    ),
    HotQuery(
        70,
        "ix_market_data_latest",
        f"SELECT price, timestamp FROM market_data WHERE {_S} ORDER BY timestamp DESC LIMIT 1",
    ),
    HotQuery(
        70,
        "ix_exchange_connections_active",
        "SELECT id FROM exchange_connections WHERE active = TRUE AND enabled = TRUE",
    ),
    HotQuery(
        71,
        "ix_symbol_processing_queue_next",
        f"SELECT id FROM symbol_processing_queue WHERE {_C} AND status = 'failed' ORDER BY priority, queued_at LIMIT 9",
    ),
)
