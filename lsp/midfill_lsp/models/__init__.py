"""Which model completes, how its engine is opened, replaced and downloaded."""
