"""What finite steps cost, and where they should lie."""
