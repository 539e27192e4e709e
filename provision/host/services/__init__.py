"""What a host has of what runs beside the receiver: a part of the probe for each, and its answer."""
