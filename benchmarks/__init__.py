"""Side-by-side measurements, each with one command. Every number in the README comes from one of them."""
