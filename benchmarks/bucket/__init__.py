"""What the promise of the bucket costs: the whole path beside the store's own rate for the same PUTs."""
