"""The engine on this machine: llama.cpp in a worker process."""
