"""Who decides: the controller's loop, observe, decide, act; and what keeps it alive."""
