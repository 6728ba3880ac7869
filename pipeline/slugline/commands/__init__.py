"""The commands: settings become a call of the library, and its result is printed."""
