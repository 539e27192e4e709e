"""The links of what runs on the host beside the receiver (`services/`). Mail comes without any of them."""
