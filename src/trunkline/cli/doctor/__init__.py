"""`trunkline doctor`: go the way of a connection step by step, and explain each."""
