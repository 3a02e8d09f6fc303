"""What must be true of the assets. A check's name says what is the case while it is green."""
