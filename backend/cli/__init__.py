"""The command line. Every command speaks HTTP to the API, of a running server or of its own."""
