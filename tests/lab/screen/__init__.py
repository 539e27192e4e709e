"""What a person sees: programs on a terminal in the lab, the picture of README, newcomers' first hours."""
