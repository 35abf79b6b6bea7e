"""What confines the session's shell and one-shot commands: bubblewrap, Landlock or nothing, behind one protocol."""
