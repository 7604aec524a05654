"""Training objectives: which part of a file the model is asked to write. NTP, FIM and SFIM (PAPER.md section 2)."""
