"""What endpoints of one server have in common."""
