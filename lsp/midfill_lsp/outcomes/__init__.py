"""What became of suggestions: shown, accepted, kept; counted on this machine alone."""
