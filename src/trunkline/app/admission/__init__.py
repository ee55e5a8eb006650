"""Who is let in, and until when: what the policy says of strangers, step by step."""
