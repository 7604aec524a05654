"""JSON-RPC and LSP below the handlers: messages in and out, positions, progress, what is asked of the client."""
