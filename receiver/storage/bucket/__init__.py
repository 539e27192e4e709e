"""Handing messages to `letterbox-bucket` under `promise = "bucket"`: a 250 waits for its answer."""
