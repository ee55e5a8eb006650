"""What users hold: send, receive, ping, close; coroutines or events."""
