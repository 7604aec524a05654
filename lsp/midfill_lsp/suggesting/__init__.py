"""From a request to a suggestion: what is known, on its way or asked for; what it becomes on the wire."""
