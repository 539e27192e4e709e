"""Beyond one machine: several MX, one bucket, and what is left of the mail when parts of them are killed."""
