"""What keeps the installation in order: history, retention, the daily brief, the doctor."""
