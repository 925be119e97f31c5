-- What the optimal indication needs on pseudo_positions.
-- SQLite cannot add a column "where missing" in plain SQL; base_position_id is there since 036.
ALTER TABLE pseudo_positions ADD COLUMN drawdown_ratio DOUBLE PRECISION;

ALTER TABLE pseudo_positions ADD COLUMN market_change_range INTEGER;

ALTER TABLE pseudo_positions ADD COLUMN last_part_ratio DOUBLE PRECISION;

CREATE INDEX IF NOT EXISTS ix_pseudo_positions_optimal_configuration
    ON pseudo_positions (symbol, drawdown_ratio, market_change_range, last_part_ratio)
    WHERE indication_type = 'optimal';
