"""A chat room in one plain page: `python -m trunkline.demos.chat`."""
