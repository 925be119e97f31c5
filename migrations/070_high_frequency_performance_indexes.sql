-- The queries of the hot path. Time windows belong in the query: an index predicate must not depend on the clock.
CREATE INDEX IF NOT EXISTS ix_indications_hot
    ON indications (connection_id, symbol, mode, calculated_at, profit_factor);

CREATE INDEX IF NOT EXISTS ix_indications_profit_factor
    ON indications (connection_id, profit_factor, calculated_at);

-- What waits for validation.
CREATE INDEX IF NOT EXISTS ix_pseudo_positions_validation_queue
    ON pseudo_positions (connection_id, status, created_at)
    WHERE profit_factor >= 0.6;

-- What has to be brought in step with the exchange, longest waiting first.
CREATE INDEX IF NOT EXISTS ix_active_exchange_positions_sync
    ON active_exchange_positions (connection_id, sync_status, last_sync_at)
    WHERE status = 'open';

CREATE INDEX IF NOT EXISTS ix_trade_engine_state_health ON trade_engine_state (status, health, updated_at);

CREATE INDEX IF NOT EXISTS ix_trade_logs_connection ON trade_logs (connection_id, timestamp);

CREATE INDEX IF NOT EXISTS ix_trade_logs_symbol ON trade_logs (symbol, timestamp);

-- What a clean-up removes: old rows of every connection, and closed positions.
CREATE INDEX IF NOT EXISTS ix_market_data_cleanup ON market_data (timestamp);

CREATE INDEX IF NOT EXISTS ix_indication_states_cleanup ON indication_states (updated_at);

CREATE INDEX IF NOT EXISTS ix_pseudo_positions_cleanup ON pseudo_positions (closed_at) WHERE status = 'closed';

-- The latest price of a symbol without touching the table.
CREATE INDEX IF NOT EXISTS ix_market_data_latest ON market_data (symbol, timestamp DESC, price);

CREATE INDEX IF NOT EXISTS ix_exchange_connections_active ON exchange_connections (active, enabled, exchange);
