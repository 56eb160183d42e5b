"""What the assistant can do: one file a topic, which is how the action server finds it."""
