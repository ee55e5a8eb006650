"""The close handshake, compiled: twin of `protocol.closing`, which it is filled from."""
