"""Ways to people: e-mail and webhooks. A new one is a module here, a `ChannelName`, an address of a contact."""
