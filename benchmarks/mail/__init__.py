"""Letterbox and other receivers: durable messages per second. `python -m benchmarks.mail` (root)."""
