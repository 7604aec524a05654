"""The workspace index: what every file of a workspace says of itself, kept up to date in a process of its own."""
