"""RFC 6455 and RFC 7692 in Python, written to be read: no I/O, no clock, no dice."""
