"""A store as a whole: read at one moment, compared record by record, written to a file or into another database."""
