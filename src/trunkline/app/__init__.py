"""Routes and policy: an application that strangers may connect to."""
