"""What a connection connects to. The adapters come with the checks."""
