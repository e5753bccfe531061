"""The Tasks extension (SEP-2663): a call that takes long becomes a task that can be asked after."""
