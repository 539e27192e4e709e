"""The hooks of a host: which program is told of new mail, read from the inventory. Pure."""
