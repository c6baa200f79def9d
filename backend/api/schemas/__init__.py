"""What goes over the wire, by noun. Views are made from records and never from requests."""
