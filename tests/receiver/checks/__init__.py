"""Who really sent a message: the checks against tables of records, published suites and hostile input."""
