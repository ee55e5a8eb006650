"""Who somebody is: asked before a connection is accepted."""
