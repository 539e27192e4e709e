"""The decisions of the steps for what runs beside the receiver."""
