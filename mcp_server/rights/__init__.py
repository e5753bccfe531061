"""Who may do what here: scopes on the wire, the audience of tokens, the door, confirmations."""
