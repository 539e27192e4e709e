"""Side-by-side measurements, one command each; every number in the README comes from one of these."""
