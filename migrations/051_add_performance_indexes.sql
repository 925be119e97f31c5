-- The frequent queries: by connection, symbol and status, newest first.
CREATE INDEX IF NOT EXISTS ix_pseudo_positions_connection_status
    ON pseudo_positions (connection_id, status, created_at);

CREATE INDEX IF NOT EXISTS ix_pseudo_positions_symbol_status ON pseudo_positions (symbol, status);

CREATE INDEX IF NOT EXISTS ix_pseudo_positions_indication_status ON pseudo_positions (indication_type, status);

CREATE INDEX IF NOT EXISTS ix_base_pseudo_positions_connection_symbol_status
    ON base_pseudo_positions (connection_id, symbol, status);

CREATE INDEX IF NOT EXISTS ix_real_pseudo_positions_connection_status
    ON real_pseudo_positions (connection_id, status, validated_at);

CREATE INDEX IF NOT EXISTS ix_real_pseudo_positions_symbol_status ON real_pseudo_positions (symbol, status);

CREATE INDEX IF NOT EXISTS ix_real_pseudo_positions_main_position ON real_pseudo_positions (main_position_id);

CREATE INDEX IF NOT EXISTS ix_active_exchange_positions_connection_symbol
    ON active_exchange_positions (connection_id, symbol, opened_at);

CREATE INDEX IF NOT EXISTS ix_indication_states_connection_symbol
    ON indication_states (connection_id, symbol, indication_type, updated_at);

CREATE INDEX IF NOT EXISTS ix_preset_coordination_results_connection_symbol
    ON preset_coordination_results (connection_id, symbol, profit_factor);

CREATE INDEX IF NOT EXISTS ix_preset_coordination_results_preset
    ON preset_coordination_results (preset_id, updated_at);

CREATE INDEX IF NOT EXISTS ix_market_data_symbol_timestamp ON market_data (symbol, timestamp);
