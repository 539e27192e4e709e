"""SPF: the official suite, the kinds of records and answers, the limits, and hostile input."""
