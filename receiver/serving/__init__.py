"""`letterbox serve` and `letterbox check`: command lines, listening, workers, signals and shutdown."""
