"""CTS v3.1 data folders: recognised, taken over without losing a row, and cleaned of plaintext secrets afterwards."""
