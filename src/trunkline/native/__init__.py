"""Everything that is compiled: twins of the protocol, and the engine on epoll."""
