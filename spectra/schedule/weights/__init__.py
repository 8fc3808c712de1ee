"""What losses over noise levels mean per frequency."""
