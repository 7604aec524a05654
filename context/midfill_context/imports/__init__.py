"""Import resolution: which files of the workspace an import means, by each language's own rules."""
