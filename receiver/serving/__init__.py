"""`letterbox serve`: processes, listening, signals and the end."""
