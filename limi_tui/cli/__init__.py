"""Command line verbs, loaded lazily so that `limi --help` stays cheap."""
