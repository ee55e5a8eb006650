"""Findings: from facts to words. Pure: no I/O, no clock."""
