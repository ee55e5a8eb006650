"""From start to stop: one process that serves an application, or many."""
