"""From results on disk to what people read. Nothing here measures or decides."""
