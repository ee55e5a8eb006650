"""What a handler sees of the messages of its connection: those of its route's type."""
