"""What a host should be: its files, configuration, units and release, all made on the control machine."""
