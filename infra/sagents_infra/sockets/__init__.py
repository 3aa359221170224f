"""The API over WebSockets: tickets, the function that lets in, the protocol, and what carries it. docs/websocket.md."""
