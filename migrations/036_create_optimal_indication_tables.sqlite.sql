-- Base positions of the optimal indication: one row per configuration that is being evaluated or traded.
CREATE TABLE IF NOT EXISTS base_pseudo_positions (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    connection_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    indication_type TEXT NOT NULL DEFAULT 'optimal' CHECK (indication_type = 'optimal'),
    indication_range INTEGER NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('long', 'short')),
    drawdown_ratio DOUBLE PRECISION NOT NULL,
    market_change_range INTEGER NOT NULL,
    last_part_ratio DOUBLE PRECISION NOT NULL,
    activity_calculated INTEGER,
    activity_lastpart INTEGER,
    total_positions INTEGER NOT NULL DEFAULT 0 CHECK (total_positions >= 0),
    winning_positions INTEGER NOT NULL DEFAULT 0 CHECK (winning_positions >= 0),
    losing_positions INTEGER NOT NULL DEFAULT 0 CHECK (losing_positions >= 0),
    total_profit_loss DOUBLE PRECISION NOT NULL DEFAULT 0,
    max_drawdown DOUBLE PRECISION NOT NULL DEFAULT 0,
    win_rate DOUBLE PRECISION NOT NULL DEFAULT 0,
    avg_profit DOUBLE PRECISION NOT NULL DEFAULT 0,
    avg_loss DOUBLE PRECISION NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'evaluating' CHECK (status IN ('evaluating', 'active', 'paused', 'failed')),
    evaluation_count INTEGER NOT NULL DEFAULT 0 CHECK (evaluation_count >= 0),
    created_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (
        connection_id, symbol, indication_type, indication_range, direction,
        drawdown_ratio, market_change_range, last_part_ratio
    )
);

CREATE INDEX IF NOT EXISTS ix_base_pseudo_positions_connection ON base_pseudo_positions (connection_id);

CREATE INDEX IF NOT EXISTS ix_base_pseudo_positions_symbol ON base_pseudo_positions (symbol);

CREATE INDEX IF NOT EXISTS ix_base_pseudo_positions_status ON base_pseudo_positions (status);

CREATE INDEX IF NOT EXISTS ix_base_pseudo_positions_indication
    ON base_pseudo_positions (indication_type, indication_range);

-- The link from a pseudo position to its base, and the configuration that it was opened with.
ALTER TABLE pseudo_positions ADD COLUMN base_position_id TEXT;

ALTER TABLE pseudo_positions ADD COLUMN indication_range INTEGER;

ALTER TABLE pseudo_positions ADD COLUMN activity_calculated INTEGER;

ALTER TABLE pseudo_positions ADD COLUMN activity_lastpart INTEGER;

CREATE INDEX IF NOT EXISTS ix_pseudo_positions_base_position ON pseudo_positions (base_position_id);

-- How each base position does, by the pseudo positions that were opened from it.
DROP VIEW IF EXISTS base_position_performance;

CREATE VIEW base_position_performance AS
SELECT
    base.id AS base_position_id,
    base.connection_id,
    base.symbol,
    base.indication_range,
    base.direction,
    base.status,
    base.win_rate,
    base.total_profit_loss,
    base.max_drawdown,
    CASE WHEN base.avg_loss <> 0 THEN abs(base.avg_profit / base.avg_loss) END AS profit_loss_ratio,
    count(pseudo.id) AS positions,
    sum(CASE WHEN pseudo.status = 'open' THEN 1 ELSE 0 END) AS open_positions,
    sum(CASE WHEN pseudo.status = 'closed' AND pseudo.profit_loss > 0 THEN 1 ELSE 0 END) AS closed_winning,
    sum(CASE WHEN pseudo.status = 'closed' AND pseudo.profit_loss < 0 THEN 1 ELSE 0 END) AS closed_losing,
    coalesce(sum(pseudo.profit_loss), 0) AS positions_profit_loss,
    coalesce(avg(pseudo.profit_factor), 0) AS positions_profit_factor
FROM base_pseudo_positions AS base
LEFT JOIN pseudo_positions AS pseudo ON pseudo.base_position_id = base.id
GROUP BY
    base.id, base.connection_id, base.symbol, base.indication_range, base.direction, base.status,
    base.win_rate, base.total_profit_loss, base.max_drawdown, base.avg_profit, base.avg_loss;
