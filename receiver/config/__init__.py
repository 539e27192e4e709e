"""The configuration: TOML in, frozen values out, or every problem at once."""
