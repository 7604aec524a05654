"""What a stage leaves behind besides its output: a manifest for machines and a page for people."""
