-- Mirrors of validated positions as they stand on the exchange.
CREATE TABLE IF NOT EXISTS active_exchange_positions (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    connection_id TEXT NOT NULL,
    real_pseudo_position_id TEXT,
    main_pseudo_position_id TEXT,
    base_pseudo_position_id TEXT,
    exchange_position_id TEXT,
    exchange_order_id TEXT,
    symbol TEXT NOT NULL,
    indication_type TEXT,
    side TEXT NOT NULL CHECK (side IN ('long', 'short')),
    entry_price DOUBLE PRECISION NOT NULL,
    current_price DOUBLE PRECISION,
    close_price DOUBLE PRECISION,
    quantity DOUBLE PRECISION NOT NULL,
    volume_usd DOUBLE PRECISION NOT NULL DEFAULT 0,
    leverage DOUBLE PRECISION NOT NULL DEFAULT 1,
    takeprofit DOUBLE PRECISION,
    stoploss DOUBLE PRECISION,
    trailing_enabled BOOLEAN NOT NULL DEFAULT FALSE,
    trail_start DOUBLE PRECISION,
    trail_stop DOUBLE PRECISION,
    unrealized_pnl DOUBLE PRECISION NOT NULL DEFAULT 0,
    realized_pnl DOUBLE PRECISION NOT NULL DEFAULT 0,
    fees_paid DOUBLE PRECISION NOT NULL DEFAULT 0,
    max_profit DOUBLE PRECISION NOT NULL DEFAULT 0,
    max_loss DOUBLE PRECISION NOT NULL DEFAULT 0,
    price_high DOUBLE PRECISION,
    price_low DOUBLE PRECISION,
    status TEXT NOT NULL DEFAULT 'open'
        CHECK (status IN ('open', 'closing', 'closed', 'cancelled', 'liquidated')),
    sync_status TEXT NOT NULL DEFAULT 'synced'
        CHECK (sync_status IN ('synced', 'pending_update', 'error', 'out_of_sync')),
    trade_mode TEXT NOT NULL DEFAULT 'main' CHECK (trade_mode IN ('preset', 'main')),
    close_reason TEXT,
    opened_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    closed_at TIMESTAMPTZ,
    last_sync_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE INDEX IF NOT EXISTS ix_active_exchange_positions_connection
    ON active_exchange_positions (connection_id, status);

CREATE INDEX IF NOT EXISTS ix_active_exchange_positions_symbol ON active_exchange_positions (symbol, status);

CREATE INDEX IF NOT EXISTS ix_active_exchange_positions_real_pseudo
    ON active_exchange_positions (real_pseudo_position_id);

CREATE INDEX IF NOT EXISTS ix_active_exchange_positions_opened ON active_exchange_positions (opened_at);

-- An exchange's own position is mirrored once.
CREATE UNIQUE INDEX IF NOT EXISTS ix_active_exchange_positions_exchange_id
    ON active_exchange_positions (connection_id, exchange_position_id)
    WHERE exchange_position_id IS NOT NULL;

-- Results by connection, symbol, indication, mode and period.
CREATE TABLE IF NOT EXISTS exchange_position_statistics (
    id INTEGER PRIMARY KEY,
    connection_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    indication_type TEXT NOT NULL DEFAULT '',
    trade_mode TEXT NOT NULL DEFAULT 'main' CHECK (trade_mode IN ('preset', 'main')),
    period_start TIMESTAMPTZ NOT NULL,
    period_end TIMESTAMPTZ NOT NULL,
    total_positions INTEGER NOT NULL DEFAULT 0,
    winning_positions INTEGER NOT NULL DEFAULT 0,
    losing_positions INTEGER NOT NULL DEFAULT 0,
    total_profit_loss DOUBLE PRECISION NOT NULL DEFAULT 0,
    total_fees DOUBLE PRECISION NOT NULL DEFAULT 0,
    win_rate DOUBLE PRECISION NOT NULL DEFAULT 0,
    profit_factor DOUBLE PRECISION NOT NULL DEFAULT 0,
    average_holding_seconds DOUBLE PRECISION NOT NULL DEFAULT 0,
    max_drawdown DOUBLE PRECISION NOT NULL DEFAULT 0,
    sharpe_ratio DOUBLE PRECISION,
    calculated_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (connection_id, symbol, indication_type, trade_mode, period_start, period_end)
);

CREATE INDEX IF NOT EXISTS ix_exchange_position_statistics_period
    ON exchange_position_statistics (connection_id, period_start);

CREATE INDEX IF NOT EXISTS ix_exchange_position_statistics_symbol
    ON exchange_position_statistics (symbol, indication_type, period_start);

-- What was done to keep mirror and exchange alike; data and states hold JSON.
CREATE TABLE IF NOT EXISTS exchange_position_coordination_log (
    id INTEGER PRIMARY KEY,
    connection_id TEXT NOT NULL,
    position_id TEXT,
    event_type TEXT NOT NULL,
    event_data TEXT NOT NULL DEFAULT '{}',
    old_state TEXT,
    new_state TEXT,
    success BOOLEAN NOT NULL DEFAULT TRUE,
    error TEXT,
    duration_milliseconds INTEGER,
    triggered_by TEXT NOT NULL DEFAULT 'engine',
    created_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE INDEX IF NOT EXISTS ix_exchange_position_coordination_log_position
    ON exchange_position_coordination_log (position_id, created_at);

CREATE INDEX IF NOT EXISTS ix_exchange_position_coordination_log_connection
    ON exchange_position_coordination_log (connection_id, created_at);

CREATE INDEX IF NOT EXISTS ix_exchange_position_coordination_log_event
    ON exchange_position_coordination_log (event_type, created_at);

-- The open positions as a person watches them: the result in percent of the price paid, on the side taken.
DROP VIEW IF EXISTS active_exchange_positions_monitoring;

CREATE VIEW active_exchange_positions_monitoring AS
SELECT
    id,
    connection_id,
    symbol,
    indication_type,
    side,
    entry_price,
    current_price,
    quantity,
    volume_usd,
    leverage,
    takeprofit,
    stoploss,
    unrealized_pnl,
    fees_paid,
    trade_mode,
    status,
    sync_status,
    opened_at,
    last_sync_at,
    CASE
        WHEN entry_price = 0 OR current_price IS NULL THEN NULL
        WHEN side = 'long' THEN (current_price - entry_price) / entry_price * 100
        ELSE (entry_price - current_price) / entry_price * 100
    END AS profit_loss_percent,
    CASE
        WHEN unrealized_pnl > 0 THEN 'winning'
        WHEN unrealized_pnl < 0 THEN 'losing'
        ELSE 'breakeven'
    END AS outcome
FROM active_exchange_positions
WHERE status = 'open';
