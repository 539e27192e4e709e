"""The lab's machines: their images, the containers that run them, and talking to them."""
