"""The console in a real browser. One server and one browser serve all modules here."""
