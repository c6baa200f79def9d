"""Reads and writes by noun. Each function works in the session it is given and never commits."""
