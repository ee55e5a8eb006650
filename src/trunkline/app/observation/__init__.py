"""What can be seen of an application: log, spans, metrics, health and a status page."""
