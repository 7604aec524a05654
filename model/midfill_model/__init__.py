"""A prompt goes in, text comes out: prompt formats, engines, where a completion ends, model files."""
