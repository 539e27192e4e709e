"""DMARC against a table of cases, and its parser of records."""
