"""One executor a training method family."""
