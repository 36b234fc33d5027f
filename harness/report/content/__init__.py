"""What a report says about each subject, as plain values."""
