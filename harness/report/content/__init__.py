"""What a report says of each subject, as plain values."""
