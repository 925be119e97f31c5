"""What the server itself ends: imported by who has no driver, so that it stands apart.

Nothing is SET for a session, because a pooler in transaction mode may stand between.
"""

from typing import Final

READ_LIMIT: Final = "SET LOCAL statement_timeout = '4s'; SET LOCAL lock_timeout = '2s'; "
"""Goes before a read, in the same message."""
