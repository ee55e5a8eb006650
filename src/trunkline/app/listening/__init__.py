"""Where an application listens: places, sockets, certificates, and why one cannot be had."""
