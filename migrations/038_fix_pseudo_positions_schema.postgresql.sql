-- What the optimal indication needs on pseudo_positions.
ALTER TABLE pseudo_positions ADD COLUMN IF NOT EXISTS base_position_id TEXT;

ALTER TABLE pseudo_positions ADD COLUMN IF NOT EXISTS drawdown_ratio DOUBLE PRECISION;

ALTER TABLE pseudo_positions ADD COLUMN IF NOT EXISTS market_change_range INTEGER;

ALTER TABLE pseudo_positions ADD COLUMN IF NOT EXISTS last_part_ratio DOUBLE PRECISION;

CREATE INDEX IF NOT EXISTS ix_pseudo_positions_optimal_configuration
    ON pseudo_positions (symbol, drawdown_ratio, market_change_range, last_part_ratio)
    WHERE indication_type = 'optimal';
