"""From results on disk to what people read; nothing here measures or decides."""
