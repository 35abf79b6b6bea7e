"""What a screen and a command both do, once, without Textual."""
