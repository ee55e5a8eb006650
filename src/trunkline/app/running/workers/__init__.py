"""Several processes that serve one application, and the one that looks after them."""
