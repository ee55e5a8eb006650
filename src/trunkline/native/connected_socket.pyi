from trunkline.native.poller import Pollable

class ConnectedSocket(Pollable):
    """A connected socket, and what can be asked of it, also once it is closed."""
