-- Nothing to make: SQLite's own data_version tells of changes. The number stands for the same schema on both databases.
SELECT 1;
