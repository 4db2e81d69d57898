"""What the tests share: a clock that is theirs, an invented cloud, both drivers behind one `run`, raw sockets."""
